/// Says what a syntax error of libyaml most likely is, in the reader's words.
enum SyntaxHint {
    static func explain(_ error: YAMLSyntaxError, in source: SourceText) -> YAMLTree.Failure {
        let place = beginsAtContext(error) ? error.context?.mark ?? error.mark : error.mark
        // Why only what is around: a line may be megabytes long.
        let from = max(0, place.column - 80)
        let line = source.characters(ofLine: place.line, from: from, count: 160)
        let span = Span(start: place, end: Mark(line: place.line, column: place.column + 1))
        if isOpenQuote(error) {
            return .init(span: span, message: "the quote that opens here is never closed", hint: nil)
        }
        return .init(
            span: span, message: message(error, at: place),
            hint: hint(error, line: line, column: place.column - from))
    }

    /// Why: these fail far behind, or inside, what has to be changed.
    private static func beginsAtContext(_ error: YAMLSyntaxError) -> Bool {
        isOpenQuote(error) || error.context?.text.contains("alias") == true
    }

    private static func isOpenQuote(_ error: YAMLSyntaxError) -> Bool {
        error.context?.text.contains("quoted scalar") == true && error.problem.contains("end of stream")
    }

    private static func message(_ error: YAMLSyntaxError, at place: Mark) -> String {
        guard let context = error.context else { return error.problem }
        guard context.mark.line != place.line else { return "\(error.problem) \(context.text)" }
        return "\(error.problem) \(context.text) that began on line \(context.mark.line + 1)"
    }

    private static func hint(_ error: YAMLSyntaxError, line: [Unicode.Scalar], column: Int) -> String? {
        let column = min(column, line.count)
        if column < line.count, line[column] == "\t" { return "YAML is indented with spaces, not tabs" }
        if line.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
            return "YAML is indented with spaces, not tabs"
        }
        let near = line[max(0, column - 2)..<min(line.count, column + 2)]
        if near.contains("{"), contains("${", line) || near.contains("$") {
            return "inside `{ }` or `[ ]` a value with `${…}` needs quotes: `\"${NAME}\"`"
        }
        if let context = error.context, context.text.contains("alias") {
            return "a value that begins with `*` needs quotes: `\"*.example.com\"`"
        }
        if error.problem.contains("mapping values are not allowed") {
            return "a value with `: ` in it needs quotes; else look at the indentation"
        }
        if error.problem.contains("cannot start any token"), column < line.count,
            "@`%".unicodeScalars.contains(line[column])
        {
            return "a value that begins with `\(line[column])` needs quotes"
        }
        return nil
    }

    private static func contains(_ text: String, _ line: [Unicode.Scalar]) -> Bool {
        String(String.UnicodeScalarView(line)).contains(text)
    }
}
