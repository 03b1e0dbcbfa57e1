import Testing

@testable import Config

@Suite struct SyntaxHintTests {
    static func hint(_ text: String) -> String? {
        do throws(YAMLTree.Failure) {
            _ = try YAMLTree.build(SourceText(file: "f", bytes: Array(text.utf8)))
            return nil
        } catch { return error.hint }
    }

    @Test func `the usual slips get a hint of their own`() {
        #expect(Self.hint("a: { b: ${C} }\n")?.contains("needs quotes: `\"${NAME}\"`") == true)
        #expect(Self.hint("a: [${C}, d]\n")?.contains("needs quotes: `\"${NAME}\"`") == true)
        #expect(Self.hint("a: *.example.com\n")?.contains("begins with `*`") == true)
        #expect(Self.hint("a: **\n")?.contains("begins with `*`") == true)
        #expect(Self.hint("a: @b\n") == "a value that begins with `@` needs quotes")
        #expect(Self.hint("a:\n\tb: 1\n") == "YAML is indented with spaces, not tabs")
        #expect(Self.hint("a:\n  - b: 1\n\tc: 1\n") == "YAML is indented with spaces, not tabs")
        #expect(Self.hint("a: b: c\n")?.contains("needs quotes") == true)
    }

    @Test func `the hint is found far along a line`() {
        let filler = String(repeating: "x", count: 5000)
        #expect(Self.hint("a: { f: \(filler), b: ${C} }\n")?.contains("needs quotes: `\"${NAME}\"`") == true)
    }

    @Test func `an open quote is shown where it opens`() {
        #expect(
            YAMLTreeTests.failure("a: 1\nb: \"c\nd: 1\n") == "2:4 the quote that opens here is never closed")
    }
}
