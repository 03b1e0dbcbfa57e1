import JSON
import Testing

@testable import Proxy

private func members(_ body: String, _ type: String) throws(ActionFailure) -> ActionMembers {
    try ActionMembers(body: Array(body.utf8), contentType: Array(type.utf8))
}

private func problem(_ body: [UInt8], _ type: String) -> InvalidMember? {
    do throws(ActionFailure) {
        _ = try ActionMembers(body: body, contentType: Array(type.utf8))
        return nil
    } catch {
        guard case .invalid(let problems) = error else { return nil }
        return problems.first
    }
}

private let form = "application/x-www-form-urlencoded"

@Suite struct ActionMembersTests {
    @Test(arguments: [
        "application/json", "Application/JSON; charset=utf-8", " application/json ", "application/vnd.x+json",
        "", form, form + ";charset=UTF-8",
    ])
    func `a JSON object is read under every type that clients send one with`(type: String) throws {
        let read = try members(" \n{\"username\": \"ada\", \"n\": 7, \"gone\": null}", type)
        #expect(!read.isForm)
        #expect(read["username"] == .string("ada"))
        #expect(read["n"] == .integer(7))
        #expect(read["gone"] == nil)
        #expect(read["other"] == nil)
    }

    @Test func `a form is decoded`() throws {
        let read = try members("username=ada%40x.org&password=a+b%2Bc%26=%C3%A9&empty=&bare&&scope", form)
        #expect(read.isForm)
        #expect(
            read.list == [
                .init("username", .string("ada@x.org")), .init("password", .string("a b+c&=é")),
                .init("empty", .string("")), .init("bare", .string("")), .init("scope", .string("")),
            ])
        #expect(try members("a=1", "").isForm)
        #expect(try members("", form).list.isEmpty)
    }

    @Test(arguments: [
        ("{\"a\":1", "application/json"), ("{\"a\":1,\"a\":2}", "application/json"),
        ("[1]", "application/json"), ("\"a\"", "application/json"), ("", "application/json"),
        ("{\"a\":1} x", form), ("a=1", "application/json"),
    ])
    func `what is not one strict JSON object is refused`(body: String, type: String) {
        #expect(problem(Array(body.utf8), type)?.type == "json_invalid")
    }

    @Test(arguments: ["a=1&a=2", "a=%", "a=%4", "a=%zz", "a=%FF", "%C3=1", "a=1&%61=2"])
    func `what is not one strict form is refused`(body: String) {
        #expect(problem(Array(body.utf8), form)?.type == "form_invalid")
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(problem(Array("a=".utf8) + [0xC3], form)?.type == "form_invalid")
        #expect(
            problem(Array("{\"a\":\"".utf8) + [0xC3] + Array("\"}".utf8), "application/json")?.type
                == "json_invalid")
    }

    @Test(arguments: ["text/plain", "multipart/form-data; boundary=x", "json", "application/jsonx"])
    func `another type is refused`(type: String) {
        #expect(problem(Array("{}".utf8), type)?.type == "content_type")
    }

    @Test func `members are bounded`() throws {
        let names = (0...ActionMembers.countMax).map { "m\($0)" }
        let many = names.map { "\($0)=1" }.joined(separator: "&")
        #expect(problem(Array(many.utf8), form)?.type == "too_long")
        let object = "{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        #expect(problem(Array(object.utf8), "application/json")?.type == "too_long")
        let fitting = names.dropLast().map { "\($0)=1" }.joined(separator: "&")
        #expect(try members(fitting, form).list.count == ActionMembers.countMax)
    }
}
