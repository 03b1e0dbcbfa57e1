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
    /// Positions of keys in large mappings of the tree, which `root` keeps alive.
    private var indexes: [ObjectIdentifier: [String: Int]] = [:]
    /// Takes what nobody needs to hear, such as that a stand-in is incomplete.
    private(set) lazy var silent = Reading(
        source: SourceText(file: "", bytes: []), root: nil, environment: { _ in nil })

    /// A file with more problems than this is not a file for us; the rest is left unsaid.
    static let diagnosticsMax = 1000

    /// - Parameter redaction: of the root, if it is known already.
    init(
        source: SourceText, root: Node?, redaction: Redaction? = nil,
        environment: @escaping (String) -> String?
    ) {
        self.source = source
        self.root = root
        self.environment = environment
        self.redaction = redaction ?? root.map { Redaction(root: $0) } ?? Redaction()
    }

    /// As many errors as are told, so that looking for more is of no use. Warnings never make it so.
    var isFull: Bool { errorCount >= Self.diagnosticsMax }
    var hasErrors: Bool { errorCount > 0 }
    private var errorCount = 0

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
        guard !isFull, severity == .error || diagnostics.count < Self.diagnosticsMax else { return }
        // Why: a value with an anchor is read once per alias, and its problem is one.
        guard seen.insert("\(span.start.line):\(span.start.column):\(message)").inserted else { return }
        let isSetting = span.start.line >= source.settingsStart
        var diagnostic = Diagnostic(
            file: isSetting ? "--set" : source.file,
            line: span.start.line + 1 - (isSetting ? source.settingsStart : 0), column: span.start.column + 1,
            length: source.length(of: span), keyPath: pathText, severity: severity, message: message,
            hint: hint)
        addExcerpt(to: &diagnostic, at: span)
        // Why: an error must never be lost among masses of warnings, it decides whether the file is served.
        if diagnostics.count == Self.diagnosticsMax,
            let last = diagnostics.lastIndex(where: { $0.severity == .warning })
        {
            diagnostics.remove(at: last)
        }
        diagnostics.append(diagnostic)
        if severity == .error { errorCount += 1 }
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
        guard case .key(let parent, let name) = path, let node = locate(parent) else { return span(of: path) }
        return entry(name, in: node)?.keySpan ?? span(of: path)
    }

    /// The value at a path; nil where the file has none.
    func node(at path: ConfigPath) -> Node? {
        switch path {
        case .root: return root
        case .key(let parent, let name): return node(at: parent).flatMap { entry(name, in: $0)?.value }
        case .index(let parent, let index):
            guard case .sequence(let items)? = node(at: parent)?.kind, items.indices.contains(index) else {
                return nil
            }
            return items[index]
        }
    }

    /// Path of an entry in a value that may be one or a list.
    func entryPath(_ path: ConfigPath, _ index: Int) -> ConfigPath {
        guard case .sequence? = node(at: path)?.kind else { return path }
        return .index(path, index)
    }

    private func locate(_ path: ConfigPath) -> Node? {
        if path == .root { return root }
        // Why the parent: where one value may stand for a list or a mapping of one, that value is the place.
        return node(at: path) ?? locate(path.parent)
    }

    /// Why an index for large mappings: looking up every one of thousands of names must not be quadratic.
    private func entry(_ key: String, in node: Node) -> Node.Entry? {
        guard case .mapping(let entries) = node.kind else { return nil }
        if entries.count <= 16 { return entries.first { $0.key == key } }
        let id = ObjectIdentifier(node)
        if indexes[id] == nil {
            let pairs = entries.enumerated().map { ($0.element.key, $0.offset) }
            indexes[id] = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        }
        return indexes[id]?[key].map { entries[$0] }
    }
}
