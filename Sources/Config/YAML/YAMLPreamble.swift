/// What may stand around the one document: comments and a `%YAML` line before it, comments after it.
///
/// Why by hand: libyaml compares every `%TAG` directive with all before it, which takes minutes for 4 MiB of
/// them.
enum YAMLPreamble {
    static func check(_ source: SourceText) throws(YAMLTree.Failure) {
        var versions = 0
        for index in 0..<source.lineCount {
            let line = source.line(index)
            guard !isBlankOrComment(line) else { continue }
            guard line.first == UInt8(ascii: "%") else { return }
            let span = wholeLine(index, in: source)
            guard line.starts(with: Array("%YAML".utf8)), versions == 0 else {
                throw .init(
                    span: span, message: "directives such as `%TAG` are not allowed", hint: "remove the line")
            }
            versions += 1
        }
    }

    static func checkNothingFollows(_ end: Mark, in source: SourceText) throws(YAMLTree.Failure) {
        for index in end.line..<max(end.line, source.lineCount) {
            let column = index == end.line ? end.column : 0
            // Why the first part will do: what is not blank there is refused, and comments may be long.
            let part = source.characters(ofLine: index, from: column, count: SourceText.excerptCountMax)
            let rest = Array(String(String.UnicodeScalarView(part)).utf8)[...]
            guard !isBlankOrComment(rest), !rest.elementsEqual("...".utf8) else { continue }
            let isDocument = rest.starts(with: Array("---".utf8)) || rest.first == UInt8(ascii: "%")
            let message = isDocument ? "a second document begins here" : "text after the end of the document"
            let length = rest.count { $0 & 0xC0 != 0x80 }
            let span = Span(
                start: Mark(line: index, column: column), end: Mark(line: index, column: column + length))
            throw .init(span: span, message: message, hint: "a file holds one document")
        }
    }

    private static func isBlankOrComment(_ line: ArraySlice<UInt8>) -> Bool {
        let text = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return text.isEmpty || text.first == UInt8(ascii: "#")
    }

    private static func wholeLine(_ index: Int, in source: SourceText) -> Span {
        let count = source.line(index).count { $0 & 0xC0 != 0x80 }
        return Span(start: Mark(line: index, column: 0), end: Mark(line: index, column: count))
    }
}
