/// One run over a tree: gathers what is wrong, knows the environment.
final class Reading {
    let source: SourceText
    let root: Node?
    let environment: (String) -> String?
    private(set) var diagnostics: [Diagnostic] = []
    private let redaction: Redaction
    /// Key paths that have an error in or below them.
    private var unsound: Set<String> = []
    private var seen: Set<String> = []
    /// Takes what nobody needs to hear, such as that a stand-in is incomplete.
    private(set) lazy var silent = Reading(
        source: SourceText(file: "", bytes: []), root: nil, environment: { _ in nil })

    /// A file with more problems than this is not a file for us; the rest is left unsaid.
    static let diagnosticsMax = 1000

    init(source: SourceText, root: Node?, environment: @escaping (String) -> String?) {
        self.source = source
        self.root = root
        self.environment = environment
        redaction = root.map { Redaction(root: $0) } ?? Redaction()
    }

    var isFull: Bool { diagnostics.count >= Self.diagnosticsMax }
    var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    func note(
        _ severity: Diagnostic.Severity, _ message: String, hint: String? = nil, at span: Span,
        path: ConfigPath
    ) {
        if severity == .error { markUnsound(path) }
        note(severity, message, hint: hint, at: span, pathText: path.text)
    }

    func note(
        _ severity: Diagnostic.Severity, _ message: String, hint: String?, at span: Span, pathText: String
    ) {
        guard !isFull else { return }
        // Why: a value with an anchor is read once per alias, and its problem is one.
        guard seen.insert("\(span.start.line):\(span.start.column):\(message)").inserted else { return }
        var diagnostic = Diagnostic(
            file: source.file, line: span.start.line + 1, column: span.start.column + 1,
            length: source.length(of: span), keyPath: pathText, severity: severity, message: message,
            hint: hint)
        addExcerpt(to: &diagnostic, at: span)
        diagnostics.append(diagnostic)
    }

    /// No error was noted at the path or below it, so that a cross-check may build on its value.
    func isSound(_ path: ConfigPath) -> Bool { unsound.isEmpty || !unsound.contains(path.text) }

    /// Whether a variable's value (or default) is part of this scalar, which therefore must not be printed.
    func usesVariable(_ node: Node) -> Bool {
        guard case .scalar(let text, _) = node.kind else { return false }
        do throws(Expansion.Problem) {
            return try Expansion.expand(text, environment: environment).usedVariable
        } catch { return true }
    }

    func mustHide(_ node: Node) -> Bool { redaction.covers(node.span) }

    private func markUnsound(_ path: ConfigPath) {
        var path = path
        while unsound.insert(path.text).inserted, path != .root { path = path.parent }
    }

    /// Shows the part of the line around the place; a tab as one space, so that the carets stand right.
    private func addExcerpt(to diagnostic: inout Diagnostic, at span: Span) {
        guard source.lineCount > span.start.line, !source.bytes.isEmpty else { return }
        let line = span.start.line
        let count = source.characterCount(ofLine: line)
        let limit = SourceText.excerptCountMax
        let from = count > limit ? max(0, min(span.start.column - limit / 3, count - limit)) : 0
        var shown = redaction.masked(source, line: line, from: from, count: limit)
        shown = shown.map { Quoting.isUnsafe($0) ? ($0 == "\t" ? " " : "\u{FFFD}") : $0 }
        if from > 0 { shown[0] = "…" }
        if from + limit < count { shown[shown.count - 1] = "…" }
        diagnostic.excerpt = String(String.UnicodeScalarView(shown))
        diagnostic.excerptColumn = span.start.column - from + 1
        diagnostic.length = max(1, min(diagnostic.length, shown.count - diagnostic.excerptColumn + 1))
    }
}

extension Reading {
    /// The place of a value in the tree, or of the deepest ancestor that is there.
    func span(of path: ConfigPath) -> Span { locate(path)?.span ?? .start }

    /// The place of the key itself, for what is wrong with an entry as a whole.
    func keySpan(of path: ConfigPath) -> Span {
        if case .key(let parent, let name) = path, case .mapping(let entries)? = locate(parent)?.kind,
            let entry = entries.first(where: { $0.key == name })
        {
            return entry.keySpan
        }
        return span(of: path)
    }

    private func locate(_ path: ConfigPath) -> Node? {
        switch path {
        case .root: return root
        case .key(let parent, let name):
            let node = locate(parent)
            return node?.value(of: name) ?? node
        case .index(let parent, let index):
            let node = locate(parent)
            // Why: where one name may stand for a list of one, the name itself is the place.
            guard case .sequence(let items)? = node?.kind, items.indices.contains(index) else { return node }
            return items[index]
        }
    }
}
