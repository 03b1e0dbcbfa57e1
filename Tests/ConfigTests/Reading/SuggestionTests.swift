import Testing

@testable import Config

@Suite struct SuggestionTests {
    static let keys = ["max_body", "max_head", "timeouts", "url"]

    @Test(arguments: [
        ("max_bdy", "max_body"), ("maxBody", "max_body"), ("max-body", "max_body"), ("MAX_BODY", "max_body"),
        ("timeuots", "timeouts"), ("timeout", "timeouts"), ("ulr", "url"),
    ])
    func `a slip finds its name`(_ written: String, _ meant: String) {
        #expect(Suggestion.nearest(to: written, among: Self.keys) == meant)
    }

    @Test(arguments: ["colour", "", "x", "body", String(repeating: "a", count: 5000)])
    func `what is far from everything finds nothing`(_ written: String) {
        #expect(Suggestion.nearest(to: written, among: Self.keys) == nil)
    }

    @Test func `a swap counts as one slip`() {
        #expect(Suggestion.distance(Array("ab".utf8), Array("ba".utf8)) == 1)
        #expect(Suggestion.distance([], Array("abc".utf8)) == 3)
    }
}
