import Testing

@testable import Config

@Suite struct PlaceTests {
    @Test func `a message says what was found, but never what a variable holds`() throws {
        let environment = ["V": "canary"]
        func found(_ text: String) throws -> String {
            try refusal(of: text, as: .integer(1...2), environment: environment).message
        }
        #expect(try found("x").hasSuffix("found `x`"))
        #expect(try found("'x'").hasSuffix("found the text `x`"))
        #expect(try found("~").hasSuffix("found nothing"))
        #expect(try found("").hasSuffix("found nothing"))
        #expect(try found("[]").hasSuffix("found a list"))
        #expect(try found("{}").hasSuffix("found a mapping"))
        #expect(try found("${V}").hasSuffix("found a value made from `${…}`"))
        #expect(try found("Bearer x").hasSuffix("found a value that is not shown"))
    }

    @Test func `a variable that is missing is named`() throws {
        let refusal = try refusal(of: "${NOPE}", as: .text)
        #expect(refusal.message == "environment variable `NOPE` is not set, in `key`")
        #expect(refusal.hint == "set it, or write `${NOPE:-default}`")
    }
}
