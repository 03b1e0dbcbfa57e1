import Testing

@testable import Config

@Suite struct HeaderFormsTests {
    @Test func `matches are in lower case, true is any value`() throws {
        let found = try value(.headerMatches, "{ X-Tier: gold, x-beta: true, x-n: 5, x-t: 'true' }").value
        #expect(
            found == [
                .init(name: "x-tier", value: "gold"), .init(name: "x-beta", value: nil),
                .init(name: "x-n", value: "5"),
                .init(name: "x-t", value: "true"),
            ])
    }

    @Test(arguments: HeaderRules.reserved.sorted()) func `a field of the gateway cannot be edited`(
        _ name: String
    ) throws {
        #expect(
            try refusal(of: "{ \(name.uppercased()): x }", as: .headerAssignments).message.contains(
                "that the gateway itself sets"))
        #expect(
            try refusal(of: "[\(name)]", as: .headerRemovals).message.contains("that the gateway itself sets")
        )
    }

    @Test(arguments: ["\"a\\nb\"", "\"a\\rb\"", "\"\\0\"", "\"\\x7f\"", "' a'", "'a '", "~", "[a]"])
    func `a value that would break the head is refused`(_ text: String) throws {
        #expect(
            try refusal(of: "{ x-a: \(text) }", as: .headerAssignments).message.hasPrefix("`key.x-a` must be")
        )
    }

    @Test func `a line break from the environment is refused without being shown`() throws {
        let environment = ["V": "canary\r\nX-Evil: 1"]
        #expect(
            try !refusal(of: "{ x-a: \"${V}\" }", as: .headerAssignments, environment: environment).message
                .contains("canary"))
    }

    @Test func `names are tokens, each once`() throws {
        #expect(
            try refusal(of: "{ 'a b': x }", as: .headerAssignments).message.contains("is not a header name"))
        #expect(try refusal(of: "{ X-A: x, x-a: y }", as: .headerAssignments).message.contains("twice"))
        #expect(try refusal(of: "[X-A, x-a]", as: .headerRemovals).message.contains("twice"))
        #expect(
            try refusal(of: "{ x-a: false }", as: .headerMatches).hint?.contains("missing header") == true)
    }
}
