/// Keeps secrets that stand in the file out of excerpts and messages.
struct Redaction: Sendable {
    /// Values in the tree that must not be shown, in the order of the file; nil after a syntax error.
    private var spans: [Span]?

    /// Names whose value is a secret wherever they stand; compared in lower case.
    static let sensitiveNames: Set<String> = [
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
        "set-cookie",
    ]

    /// For a file that has a tree: exact places.
    init(root: Node) {
        var found: [Span] = []
        Self.collect(root, hidden: false, into: &found)
        found.sort { ($0.start.line, $0.start.column) < ($1.start.line, $1.start.column) }
        spans = found
    }

    /// For a file that has none.
    init() {}

    private static func collect(_ node: Node, hidden: Bool, into found: inout [Span]) {
        switch node.kind {
        case .scalar(let text, _):
            if hidden || looksSecret(text) { found.append(node.span) }
        case .sequence(let items):
            for item in items { collect(item, hidden: hidden, into: &found) }
        case .mapping(let entries):
            // Why not below a mapping: `{env: NAME}` names a secret and is none.
            for entry in entries {
                collect(
                    entry.value, hidden: sensitiveNames.contains(ASCII.lowercased(entry.key)), into: &found)
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

    func covers(_ span: Span) -> Bool {
        spans(endingBehind: span.start).first?.start == span.start
    }

    /// Part of a line (from 0) with what must not be seen replaced by `*`.
    func masked(_ source: SourceText, line: Int, from: Int, count: Int) -> [Unicode.Scalar] {
        guard spans != nil else { return Self.maskedByGuess(source, line: line, from: from, count: count) }
        var result = source.characters(ofLine: line, from: from, count: count)
        for span in spans(endingBehind: Mark(line: line, column: from)) {
            let start = span.start.line == line ? span.start.column - from : 0
            let end = span.end.line == line ? span.end.column - from : result.count
            guard span.start.line <= line, start < result.count else { break }
            for column in max(0, start)..<max(0, start, min(end, result.count)) { result[column] = "*" }
        }
        return result
    }

    /// The spans from the first one that ends behind the mark. They do not overlap, so both ends are in
    /// order.
    private func spans(endingBehind mark: Mark) -> ArraySlice<Span> {
        let spans = spans ?? []
        var low = 0
        var high = spans.count
        while low < high {
            let middle = (low + high) / 2
            let end = spans[middle].end
            if (end.line, end.column) <= (mark.line, mark.column) { low = middle + 1 } else { high = middle }
        }
        return spans[low...]
    }

    /// Why guess: after a syntax error nobody knows where values end, so the rest of the line goes.
    private static func maskedByGuess(_ source: SourceText, line: Int, from: Int, count: Int) -> [Unicode
        .Scalar]
    {
        let guessMax = 4096
        guard from + count <= guessMax else {
            return source.characters(ofLine: line, from: from, count: count).map { _ in "*" }
        }
        let scalars = source.characters(ofLine: line, from: 0, count: from + count)
        let lower = Array(ASCII.lowercased(String(String.UnicodeScalarView(scalars))).unicodeScalars)
        var secret = scalars.count
        for mark in sensitiveNames.map({ $0 + ":" }) + ["bearer ", "basic ", "sk-", "://"] {
            guard let found = position(of: mark, in: lower) else { continue }
            if mark == "://", !lower.contains("@") { continue }
            secret = min(secret, mark.hasSuffix(":") ? found + mark.unicodeScalars.count : found)
        }
        let shown = scalars.enumerated().map { $0.offset >= secret && $0.element != " " ? "*" : $0.element }
        return Array(shown.dropFirst(from))
    }

    private static func position(of mark: String, in text: [Unicode.Scalar]) -> Int? {
        let wanted = Array(mark.unicodeScalars)
        guard text.count >= wanted.count else { return nil }
        return (0...(text.count - wanted.count)).first {
            text[$0..<($0 + wanted.count)].elementsEqual(wanted)
        }
    }
}
