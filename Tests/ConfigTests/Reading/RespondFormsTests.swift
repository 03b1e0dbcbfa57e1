import Testing

@testable import Config

@Suite struct RespondFormsTests {
    @Test(arguments: [
        ("{ a: 1, b: [true, ~, x] }", #"{"a":1,"b":[true,null,"x"]}"#), ("1.50", "1.50"),
        ("'1.50'", #""1.50""#), ("0x10", "16"),
        ("off", #""off""#), ("\"a\\\"\\u0001\\n\"", #""a\"\u0001\n""#), ("[]", "[]"), ("{}", "{}"),
        ("~", "null"), ("{ 1: 2 }", #"{"1":2}"#),
        ("\"${N}\"", #""7""#), ("a-${N}", #""a-7""#), ("$${N}", #""${N}""#),
    ])
    func `any value becomes JSON`(_ yaml: String, _ json: String) throws {
        #expect(try value(.jsonValue, yaml, environment: ["N": "7"]).value == json)
    }

    @Test func `plain expansions are typed, quoted ones are text`() throws {
        #expect(try value(.jsonValue, "${N}", environment: ["N": "7"]).value == "7")
        #expect(try value(.jsonValue, "${N}", environment: ["N": "}], x"]).value == #""}], x""#)
    }

    @Test func `what JSON cannot hold is refused where it stands`() throws {
        let diagnostics = try value(.jsonValue, "{ a: [1, .nan] }").diagnostics
        #expect(diagnostics.map(\.keyPath) == ["key.a[1]"])
    }
}
