/// One problem of the file, with its place. Never carries a secret, nor a value that came from the
/// environment.
public struct Diagnostic: Equatable, Sendable {
    public enum Severity: String, Sendable, CaseIterable { case error, warning }

    public var file: String
    /// From 1.
    public var line: Int
    /// From 1, in characters.
    public var column: Int
    /// Characters that the carets underline; at least 1.
    public var length: Int
    /// `routes[3].to`; empty where no key is concerned.
    public var keyPath: String
    public var severity: Severity
    /// What happened, to what; stands alone without excerpt.
    public var message: String
    /// What to do.
    public var hint: String?
    /// The line of the file, or the part of a long one that matters; secrets in it are masked.
    public var excerpt: String?
    /// Where the carets begin in `excerpt`; from 1. Differs from `column` in a long line.
    public var excerptColumn: Int

    public init(
        file: String, line: Int, column: Int, length: Int = 1, keyPath: String = "", severity: Severity,
        message: String, hint: String? = nil, excerpt: String? = nil, excerptColumn: Int? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.keyPath = keyPath
        self.severity = severity
        self.message = message
        self.hint = hint
        self.excerpt = excerpt
        self.excerptColumn = excerptColumn ?? column
    }

    /// For people:
    ///
    ///     headgate.yaml:41:7: error: unknown key `max_bodi` in routes[2]
    ///        41 |       max_bodi: 1MiB
    ///           |       ^^^^^^^^ did you mean `max_body`?
    ///
    /// Without a line break at the end.
    public func rendered() -> String {
        var text = "\(file):\(line):\(column): \(severity.rawValue): \(message)"
        guard let excerpt else {
            if let hint { text += "\n      | \(hint)" }
            return text
        }
        let number = String(line)
        text += "\n" + String(repeating: " ", count: max(0, 5 - number.utf8.count)) + number + " | " + excerpt
        text += "\n      | " + String(repeating: " ", count: max(0, excerptColumn - 1))
        text += String(repeating: "^", count: max(1, length))
        if let hint { text += " " + hint }
        return text
    }
}
