/// Keeps secrets that stand in the file out of excerpts and messages.
struct Redaction: Sendable {
    /// Keys and values of the file that must not be shown, in its order, whether the tree has kept them or
    /// not; nil after a syntax error.
    private var spans: [Span]?

    /// For a file that has a tree: exact places.
    init(root: Node) {
        var found: [Span] = []
        Self.collect(root, .root, into: &found)
        found.sort { ($0.start.line, $0.start.column) < ($1.start.line, $1.start.column) }
        spans = found
    }

    /// For a file that has none.
    init() {}

    private static func collect(_ node: Node, _ context: SecretContext, into found: inout [Span]) {
        switch node.kind {
        case .scalar(let text, let style):
            if node.span.start != node.span.end, context.hides(text, style) { found.append(node.span) }
        case .sequence(let items):
            for item in items { collect(item, context, into: &found) }
        case .mapping(let entries):
            for entries in [entries, node.dropped] {
                for entry in entries {
                    if SecretSigns.looksSecret(entry.key) { found.append(entry.keySpan) }
                    collect(entry.value, context.below(entry.key), into: &found)
                }
            }
        }
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
        Self.maskComment(
            &result, lineBefore: source.characters(ofLine: line, from: 0, count: min(from, 4096)))
        return result
    }

    /// Why: a comment is in no tree, and an old secret that was commented out is still one.
    private static func maskComment(_ shown: inout [Unicode.Scalar], lineBefore: [Unicode.Scalar]) {
        let line = lowercased(lineBefore + shown)
        let comment = line.indices.first {
            line[$0] == UInt8(ascii: "#") && ($0 == 0 || line[$0 - 1] == 0x20 || line[$0 - 1] == 0x09)
        }
        guard let comment, let start = SecretSigns.start(in: Array(line[comment...]), isName: isSecret)
        else { return }
        let first = max(0, comment + start - lineBefore.count)
        for column in first..<max(first, shown.count) where shown[column] != " " { shown[column] = "*" }
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

    private static func lowercased(_ scalars: [Unicode.Scalar]) -> [UInt8] {
        scalars.map { $0.isASCII ? SecretSigns.lowercased(UInt8($0.value)) : 0xFF }
    }
}

// MARK: Without a tree

extension Redaction {
    private static let guessColumnsMax = 4096
    private static let guessLinesMax = 500

    /// Why guess: after a syntax error nobody knows where values end, so the rest of the line goes.
    private static func maskedByGuess(_ source: SourceText, line: Int, from: Int, count: Int) -> [Unicode
        .Scalar]
    {
        guard from + count <= guessColumnsMax else {
            return source.characters(ofLine: line, from: from, count: count).map { _ in "*" }
        }
        let scalars = source.characters(ofLine: line, from: 0, count: from + count)
        let text = lowercased(scalars)
        var secret = SecretSigns.start(in: text, isName: hidesBelow) ?? scalars.count
        switch contextAbove(line, in: source) {
        case .secret: secret = 0
        case .fields: secret = min(secret, (text.firstIndex(of: UInt8(ascii: ":")) ?? -1) + 1)
        case .root, .open, .names, .upstreams, .upstream, .suspect, .edits, .variable, .provision, .reference:
            break
        }
        let shown = scalars.enumerated().map { $0.offset >= secret && $0.element != " " ? "*" : $0.element }
        return Array(shown.dropFirst(from))
    }

    /// By the lines that are indented less, and by the line before if its value goes on.
    private static func contextAbove(_ line: Int, in source: SourceText) -> SecretContext {
        var indent = indent(lowercased(source.characters(ofLine: line, from: 0, count: guessColumnsMax)))
        var isNearest = true
        var context = SecretContext.open
        for index in (max(0, line - guessLinesMax)..<line).reversed() {
            let text = lowercased(source.characters(ofLine: index, from: 0, count: guessColumnsMax))
            let own = Self.indent(text)
            guard own < text.count else { continue }
            if own < indent || isNearest && isIncomplete(text) {
                if SecretSigns.start(in: text, needsValue: false) != nil { return .secret }
                if SecretSigns.start(in: text, needsValue: false, isName: hidesBelow) != nil {
                    context = .fields
                }
            }
            indent = min(indent, own)
            isNearest = false
        }
        return context
    }

    private static func hidesBelow(_ name: ArraySlice<UInt8>) -> Bool {
        SecretContext.container(String(decoding: name, as: UTF8.self)) != nil
            || isSecret(name)
    }

    /// Whether the value of a key is a secret, as far as that shows without what is above it.
    private static func isSecret(_ name: ArraySlice<UInt8>) -> Bool {
        SecretSigns.isSensitive(name: name) || name.elementsEqual("key".utf8)
            || name.elementsEqual("previous_encryption_keys".utf8)
    }

    private static func indent(_ text: [UInt8]) -> Int {
        text.prefix { $0 == 0x20 || $0 == 0x09 }.count
    }

    /// Ends in `:` or within quotes.
    private static func isIncomplete(_ text: [UInt8]) -> Bool {
        if text.last(where: { $0 > 0x20 }) == UInt8(ascii: ":") { return true }
        return [UInt8(ascii: "\""), UInt8(ascii: "'")].contains { quote in
            text.count { $0 == quote } % 2 == 1
        }
    }
}
