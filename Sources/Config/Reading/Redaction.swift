/// Keeps secrets that stand in the file out of excerpts and messages.
struct Redaction: Sendable {
    /// Values in the tree that must not be shown.
    private var spans: [Span] = []

    /// Names whose value is a secret wherever they stand; compared in lower case.
    static let sensitiveNames: Set<String> = [
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "set-cookie",
    ]

    /// For a file that has a tree: exact places.
    init(root: Node) { collect(root, hidden: false, visited: 0) }

    /// For a file that has none.
    init() {}

    private mutating func collect(_ node: Node, hidden: Bool, visited depth: Int) {
        switch node.kind {
        case .scalar(let text, _):
            if hidden || Self.looksSecret(text) { spans.append(node.span) }
        case .sequence(let items):
            for item in items { collect(item, hidden: hidden, visited: depth + 1) }
        case .mapping(let entries):
            // Why not below a mapping: `{env: NAME}` names a secret and is none.
            for entry in entries {
                let isScalar = if case .scalar = entry.value.kind { true } else { false }
                let isSensitive = Self.sensitiveNames.contains(ASCII.lowercased(entry.key))
                collect(entry.value, hidden: isScalar && isSensitive, visited: depth + 1)
            }
        }
    }

    /// Credentials by their form: a scheme word, a well-known key prefix, or userinfo in a URL.
    static func looksSecret(_ text: String) -> Bool {
        let lower = ASCII.lowercased(String(text.unicodeScalars.prefix(4096)))
        if lower.hasPrefix("bearer ") || lower.hasPrefix("basic ") || lower.hasPrefix("sk-") { return true }
        guard lower.contains("://") else { return false }
        return lower.contains("@")
    }

    func covers(_ span: Span) -> Bool { spans.contains(span) }

    /// `line` (from 0) with what must not be seen replaced by `*`.
    func masked(_ scalars: [Unicode.Scalar], line: Int, hasTree: Bool) -> [Unicode.Scalar] {
        var result = scalars
        for span in spans where span.start.line <= line && line <= span.end.line {
            let from = span.start.line == line ? span.start.column : 0
            let to = span.end.line == line ? span.end.column : scalars.count
            for column in from..<max(from, min(to, scalars.count)) { result[column] = "*" }
        }
        return hasTree ? result : Self.maskedByGuess(result)
    }

    /// Why guess: after a syntax error nobody knows where values end, so the rest of the line goes.
    private static func maskedByGuess(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        let lower = ASCII.lowercased(String(String.UnicodeScalarView(scalars)))
        var from = scalars.count
        for mark in sensitiveNames.map({ $0 + ":" }) + ["bearer ", "basic ", "sk-", "://"] {
            guard let found = position(of: mark, in: Array(lower.unicodeScalars)) else { continue }
            if mark == "://", !lower.contains("@") { continue }
            from = min(from, mark.hasSuffix(":") ? found + mark.unicodeScalars.count : found)
        }
        return scalars.enumerated().map { $0.offset >= from && $0.element != " " ? "*" : $0.element }
    }

    private static func position(of mark: String, in text: [Unicode.Scalar]) -> Int? {
        let wanted = Array(mark.unicodeScalars)
        guard text.count >= wanted.count else { return nil }
        return (0...(text.count - wanted.count)).first { text[$0..<($0 + wanted.count)].elementsEqual(wanted) }
    }
}
