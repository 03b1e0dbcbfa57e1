import Testing

@testable import Config

@Suite struct SourceTextTests {
    @Test func `lines end at every break that libyaml knows`() {
        let text = "a\nbb\r\nccc\rdé\u{85}e\u{2028}f\u{2029}g"
        let source = SourceText(file: "f", bytes: Array(text.utf8))
        let lines = (0..<source.lineCount).map { String(decoding: source.line($0), as: UTF8.self) }
        #expect(lines == ["a", "bb", "ccc", "dé", "e", "f", "g"])
        #expect((0..<source.lineCount).map { source.characterCount(ofLine: $0) } == [1, 2, 3, 2, 1, 1, 1])
    }

    @Test func `a byte order mark is no character`() {
        let source = SourceText(file: "f", bytes: [0xEF, 0xBB, 0xBF] + Array("ab".utf8))
        #expect(source.mark(ofByte: 1) == Mark(line: 0, column: 1))
        #expect(String(decoding: source.line(0), as: UTF8.self) == "ab")
    }

    @Test func `a mark counts characters, not bytes`() {
        let source = SourceText(file: "f", bytes: Array("x\néé=\n".utf8))
        #expect(source.mark(ofByte: 6) == Mark(line: 1, column: 2))
        #expect(source.mark(ofByte: 7) == Mark(line: 1, column: 3))
        #expect(source.mark(ofByte: 8) == Mark(line: 2, column: 0))
    }

    @Test func `parts of long lines are found without walking the line`() {
        let line = (0..<5000).map { $0 % 3 == 0 ? "é" : "x" }.joined()
        let source = SourceText(file: "f", bytes: Array("first\n\(line)\nlast".utf8))
        let scalars = Array(line.unicodeScalars)
        for from in [0, 1, 1017, 1018, 1019, 2500, 4990] {
            #expect(
                source.characters(ofLine: 1, from: from, count: 20).elementsEqual(
                    scalars[from..<min(5000, from + 20)]))
        }
        #expect(source.characters(ofLine: 1, from: 5000, count: 5).isEmpty)
        #expect(source.characters(ofLine: 2, from: 0, count: 99).count == 4)
        #expect(source.characters(ofLine: 9, from: 0, count: 99).isEmpty)
    }

    @Test func `a span is as long as its first line, and at least one`() {
        let source = SourceText(file: "f", bytes: Array("abcdef\ngh".utf8))
        func length(_ from: Mark, _ to: Mark) -> Int { source.length(of: Span(start: from, end: to)) }
        #expect(length(Mark(line: 0, column: 1), Mark(line: 0, column: 3)) == 2)
        #expect(length(Mark(line: 0, column: 1), Mark(line: 1, column: 1)) == 5)
        #expect(length(Mark(line: 0, column: 1), Mark(line: 0, column: 1)) == 1)
    }

    @Test func `an empty file has one empty line`() {
        let source = SourceText(file: "f", bytes: [])
        #expect(source.lineCount == 1)
        #expect(source.line(0).isEmpty)
        #expect(source.mark(ofByte: 0) == Mark(line: 0, column: 0))
    }
}
