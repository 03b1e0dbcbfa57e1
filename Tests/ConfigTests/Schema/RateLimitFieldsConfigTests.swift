import Testing

@testable import Config

@Suite struct RateLimitFieldsConfigTests {
    @Test(
        arguments: [
            ("openai", [.openai]), ("[ietf, epoch]", [.ietf, .epoch]), ("none", []), ("[none]", []),
            ("[]", []),
            ("[openai, ietf, delta]", [.openai, .ietf, .delta]), ("webscout", [.webscout]),
        ] as [(String, [RateLimitFieldsConfig])])
    func `fields are named by words`(_ text: String, _ fields: [RateLimitFieldsConfig]) throws {
        let read = try value(.rateLimitFields, text)
        #expect(read.value == fields && read.diagnostics.isEmpty)
    }

    @Test(arguments: [
        "legacy", "[none, openai]", "[openai, openai]", "[webscout, epoch]", "[delta, openai, webscout]",
        "[epoch, delta]", "{}", "~", "off",
    ])
    func `what is no word, or contradicts itself, is refused`(_ text: String) throws {
        _ = try refusal(of: text, as: .rateLimitFields)
    }
}
