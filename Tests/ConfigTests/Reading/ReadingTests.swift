import Testing

@testable import Config

@Suite struct ReadingTests {
    static func reading(_ text: String) throws -> Reading {
        let source = SourceText(file: "f", bytes: Array(text.utf8))
        return Reading(source: source, root: try YAMLTree.build(source).root, environment: { _ in nil })
    }

    @Test func `an error makes its place and all around it unsound`() throws {
        let reading = try Self.reading("a: { b: [1] }\nc: 1\n")
        let path = ConfigPath.index(.key(.key(.root, "a"), "b"), 0)
        #expect(reading.isSound(path))
        reading.note(.warning, "w", at: .start, path: path)
        #expect(reading.isSound(path) && !reading.hasErrors)
        reading.note(.error, "e", at: .start, path: path)
        #expect(!reading.isSound(path) && !reading.isSound(.key(.root, "a")) && !reading.isSound(.root))
        #expect(reading.isSound(.key(.root, "c")))
    }

    @Test func `places are found, or the nearest one around them`() throws {
        let reading = try Self.reading("a: { b: [1, 2] }\n")
        let list = ConfigPath.key(.key(.root, "a"), "b")
        #expect(reading.span(of: .index(list, 1)).start == Mark(line: 0, column: 12))
        #expect(reading.span(of: .index(list, 9)).start == Mark(line: 0, column: 8))
        #expect(reading.keySpan(of: list).start == Mark(line: 0, column: 5))
        #expect(reading.keySpan(of: .key(.root, "z")).start == Mark(line: 0, column: 0))
    }

    @Test func `carets stand under the place, tabs and long lines included`() throws {
        let reading = try Self.reading(
            "a:\t[x,\ty, z]\nb: [\(String(repeating: "é", count: 300)), bad, \(String(repeating: "x", count: 300))]\n"
        )
        reading.note(
            .error, "tab", at: Span(start: Mark(line: 0, column: 7), end: Mark(line: 0, column: 8)),
            path: .root)
        reading.note(
            .error, "long", at: Span(start: Mark(line: 1, column: 306), end: Mark(line: 1, column: 309)),
            path: .root)
        for (diagnostic, wanted) in zip(reading.diagnostics, ["y", "bad"]) {
            let excerpt = Array(try #require(diagnostic.excerpt).unicodeScalars)
            let from = diagnostic.excerptColumn - 1
            let under = excerpt[from..<(from + diagnostic.length)]
            #expect(String(String.UnicodeScalarView(under)) == wanted)
            #expect(!excerpt.contains("\t"))
        }
    }
}
