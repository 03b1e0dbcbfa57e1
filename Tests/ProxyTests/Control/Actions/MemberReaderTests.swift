import Testing

@testable import Proxy

private func reader(_ body: String, form: Bool = false) throws -> MemberReader {
    try MemberReader(
        ActionMembers(
            body: Array(body.utf8),
            contentType: Array((form ? "application/x-www-form-urlencoded" : "application/json").utf8)))
}

private func problems(_ reader: MemberReader) -> [InvalidMember] {
    do throws(ActionFailure) {
        try reader.finish()
        return []
    } catch {
        guard case .invalid(let problems) = error else { return [] }
        return problems
    }
}

@Suite struct MemberReaderTests {
    @Test func `everything that is wrong is told at once`() throws {
        var members = try reader(#"{"email": 7, "username": null, "days": "x", "limit": 61}"#)
        #expect(members.text("email", .email) == "")
        #expect(members.text("username", .identity) == "")
        #expect(members.optionalInteger("days", in: 1...9) == nil)
        #expect(members.optionalInteger("limit", in: 1...60) == nil)
        #expect(members.optionalText("name", .identity) == nil)
        #expect(
            problems(members) == [
                .wrong("email", wanted: "an e-mail address"), .missing("username"),
                .wrong("days", wanted: "a whole number from 1 to 9"),
                .wrong("limit", wanted: "a whole number from 1 to 60"),
            ])
    }

    @Test func `a form's numbers are text`() throws {
        var members = try reader("limit=30&id=123", form: true)
        #expect(members.optionalInteger("limit", in: 1...60) == 30)
        #expect(members.textOrNumber("id", .telegramID) == "123")
        #expect(problems(members) == [])
    }

    @Test func `a telegram id is text or a whole number`() throws {
        for (json, text) in [("\"123\"", "123"), ("123", "123"), ("\"@ada\"", "@ada"), ("-5", "-5")] {
            var members = try reader("{\"id\": \(json)}")
            #expect(members.textOrNumber("id", .telegramID) == text)
            #expect(problems(members) == [])
        }
        for json in ["true", "1.5", "\"\"", "[1]", "\" 1\""] {
            var members = try reader("{\"id\": \(json)}")
            #expect(members.textOrNumber("id", .telegramID) == "")
            #expect(problems(members).map(\.name) == ["id"], "\(json)")
        }
    }

    @Test func `text of digits is no number in JSON`() throws {
        var members = try reader(#"{"limit": "30"}"#)
        #expect(members.optionalInteger("limit", in: 1...60) == nil)
        #expect(problems(members).map(\.type) == ["value_error"])
    }
}
