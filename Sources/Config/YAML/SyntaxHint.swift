/// Says what a syntax error of libyaml most likely is, in the reader's words.
enum SyntaxHint {
    static func explain(_ error: YAMLSyntaxError, in source: SourceText) -> YAMLTree.Failure {
        let line = Array(String(decoding: source.line(error.mark.line), as: UTF8.self).unicodeScalars)
        let span = Span(start: error.mark, end: Mark(line: error.mark.line, column: error.mark.column + 1))
        return .init(span: span, message: message(error), hint: hint(error, line: line, in: source))
    }

    private static func message(_ error: YAMLSyntaxError) -> String {
        guard let context = error.context else { return error.problem }
        guard context.mark != error.mark else { return "\(error.problem) \(context.text)" }
        return "\(error.problem) \(context.text) that began on line \(context.mark.line + 1)"
    }

    private static func hint(_ error: YAMLSyntaxError, line: [Unicode.Scalar], in source: SourceText) -> String? {
        let column = min(error.mark.column, line.count)
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
        if error.problem.contains("cannot start any token"), column < line.count, "@`%".unicodeScalars.contains(line[column]) {
            return "a value that begins with `\(line[column])` needs quotes"
        }
        return nil
    }

    private static func contains(_ text: String, _ line: [Unicode.Scalar]) -> Bool {
        String(String.UnicodeScalarView(line)).contains(text)
    }
}
