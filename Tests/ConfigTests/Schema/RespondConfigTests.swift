import Testing

@testable import Config

@Suite struct RespondConfigTests {
    static var form: Form<RespondConfig> { .mapping(RespondConfig.init) }

    @Test func `a body is JSON, text or nothing`() throws {
        #expect(try value(Self.form, "{ json: ~ }").value == RespondConfig(status: 200, body: .json("null")))
        #expect(
            try value(Self.form, "{ status: 503, text: '' }").value
                == RespondConfig(status: 503, body: .text("")))
        #expect(try value(Self.form, "{ status: 204 }").value == RespondConfig(status: 204, body: .none))
    }

    @Test(arguments: [
        "{ status: 199 }", "{ status: 600 }", "{ json: 1, text: a }", "{ status: 204, text: a }",
        "{ status: 304, json: 1 }", "{ text: 5 }",
    ])
    func `what is no answer is refused`(_ text: String) throws {
        #expect(try !refusal(of: text, as: Self.form).message.isEmpty)
    }
}
