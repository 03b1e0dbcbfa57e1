/// Events → tree, and the rules of what YAML is accepted:
///
/// one document of UTF-8, up to 4 MiB; collections at most 64 deep; aliases up to 100,000 nodes in all; no
/// merge keys, no tags, no keys that are collections. The first broken rule of syntax ends the reading; a
/// duplicate or merge key is noted and the reading goes on.
struct YAMLTree {
    /// Ends the reading.
    struct Failure: Error {
        let span: Span
        let message: String
        let hint: String?
    }
    /// Noted beside the tree.
    struct Remark: Equatable, Sendable {
        let span: Span
        let path: String
        let message: String
        let hint: String?
    }

    static let depthMax = 64
    static let aliasedNodesMax = 100_000

    private struct Frame {
        let isMapping: Bool
        let start: Span
        let anchor: String?
        var items: [Node] = []
        var entries: [Node.Entry] = []
        var dropped: [Node.Entry] = []
        var keys: [String: Span] = [:]
        /// The key whose value comes next.
        var pendingKey: (text: String, span: Span)?
    }

    private let source: SourceText
    private let events: YAMLEvents
    private var frames: [Frame] = []
    private var anchors: [String: Node] = [:]
    private var openAnchors: Set<String> = []
    private var aliasedNodes = 0
    private var root: Node?
    private(set) var remarks: [Remark] = []

    private init(_ source: SourceText) {
        self.source = source
        events = YAMLEvents(source.bytes)
    }

    static func build(_ source: SourceText) throws(Failure) -> (root: Node, remarks: [Remark]) {
        try YAMLPreamble.check(source)
        var tree = YAMLTree(source)
        try tree.run()
        guard let root = tree.root else {
            throw Failure(span: .start, message: "the file is empty", hint: "it needs at least `version: 1`")
        }
        return (root, tree.remarks)
    }

    private mutating func run() throws(Failure) {
        while true {
            let event: YAMLEvent
            do { event = try events.next() } catch { throw SyntaxHint.explain(error, in: source) }
            switch event.kind {
            case .streamStart, .documentStart: continue
            case .streamEnd: return
            case .documentEnd:
                // Why stop here: what follows can only be refused, and libyaml is slow on masses of
                // directives.
                return try YAMLPreamble.checkNothingFollows(event.span.end, in: source)
            case .alias(let name): try take(try aliased(name, event.span), at: event.span, isScalar: false)
            case .scalar(let text, let style):
                try refuseTag(event)
                let node = Node(.scalar(text, style), span: event.span)
                if let anchor = event.anchor { anchors[anchor] = node }
                try take(node, at: event.span, isScalar: true)
            case .sequenceStart, .mappingStart: try open(event)
            case .sequenceEnd, .mappingEnd: try close(event)
            }
        }
    }

    private mutating func open(_ event: YAMLEvent) throws(Failure) {
        try refuseTag(event)
        guard frames.count < Self.depthMax else {
            throw Failure(span: event.span, message: "nested deeper than \(Self.depthMax) levels", hint: nil)
        }
        var isMapping = false
        if case .mappingStart = event.kind { isMapping = true }
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        frames.append(Frame(isMapping: isMapping, start: event.span, anchor: event.anchor))
    }

    private mutating func close(_ event: YAMLEvent) throws(Failure) {
        let frame = frames.removeLast()
        let span = Span(start: frame.start.start, end: event.span.end)
        let kind = frame.isMapping ? Node.Kind.mapping(frame.entries) : .sequence(frame.items)
        let node = Node(kind, span: span, dropped: frame.dropped)
        if let anchor = frame.anchor {
            anchors[anchor] = node
            openAnchors.remove(anchor)
        }
        try take(node, at: frame.start, isScalar: false)
    }

    /// Puts a finished node where it belongs: the root, a list, or as key or value into a mapping.
    private mutating func take(_ node: Node, at span: Span, isScalar: Bool) throws(Failure) {
        guard var frame = frames.popLast() else {
            root = node
            return
        }
        defer { frames.append(frame) }
        guard frame.isMapping else {
            frame.items.append(node)
            return
        }
        guard let key = frame.pendingKey else {
            guard case .scalar(let text, let style) = node.kind else {
                throw Failure(
                    span: span, message: "a key must be plain text, found \(node.kindName)", hint: nil)
            }
            let keySpan = isScalar ? node.span : span
            if text == "<<", style == .plain { noteMergeKey(keySpan) }
            frame.pendingKey = (text, keySpan)
            return
        }
        frame.pendingKey = nil
        let entry = Node.Entry(key: key.text, keySpan: key.span, value: node)
        if key.text == "<<" {
            frame.dropped.append(entry)
        } else if let first = frame.keys[key.text] {
            noteDuplicate(key, first: first)
            frame.dropped.append(entry)
        } else {
            frame.keys[key.text] = key.span
            frame.entries.append(entry)
        }
    }

    private mutating func aliased(_ name: String, _ span: Span) throws(Failure) -> Node {
        guard !openAnchors.contains(name) else {
            let message = "alias \(shown(name))stands inside what it names"
            throw Failure(span: span, message: message, hint: nil)
        }
        guard let node = anchors[name] else {
            let alias = shown(name)
            let hint = "a value that begins with `*` needs quotes" + (alias.isEmpty ? "" : ": `\"*\(name)\"`")
            throw Failure(span: span, message: "alias \(alias)is not defined", hint: hint)
        }
        aliasedNodes += node.expandedCount
        guard aliasedNodes <= Self.aliasedNodesMax else {
            let message = "aliases expand to more than \(Self.aliasedNodesMax) values"
            throw Failure(span: span, message: message, hint: nil)
        }
        guard frames.count + node.height <= Self.depthMax else {
            throw Failure(span: span, message: "nested deeper than \(Self.depthMax) levels", hint: nil)
        }
        return node
    }

    private func refuseTag(_ event: YAMLEvent) throws(Failure) {
        guard event.tag != nil else { return }
        throw Failure(
            span: event.span, message: "tags such as `!name` are not allowed",
            hint: "quote the value if it is text")
    }

    /// Why a bound: nobody reads on, and each names its path.
    private var hasManyRemarks: Bool { remarks.count >= Reading.diagnosticsMax }

    private mutating func noteMergeKey(_ span: Span) {
        guard !hasManyRemarks else { return }
        let message = "merge keys (`<<`) are not allowed"
        remarks.append(.init(span: span, path: pathText, message: message, hint: "write the keys out"))
    }

    private mutating func noteDuplicate(_ key: (text: String, span: Span), first: Span) {
        guard !hasManyRemarks else { return }
        let place = pathText.isEmpty ? "" : " in \(pathText)"
        let message =
            "duplicate key \(Quoting.quoted(key.text))\(place), first on line \(first.start.line + 1)"
        remarks.append(
            .init(span: key.span, path: ConfigPath.key(path, key.text).text, message: message, hint: nil))
    }

    /// Path of the collection that is being filled; the frame in hand has been popped.
    private var path: ConfigPath {
        var path = ConfigPath.root
        for frame in frames {
            path =
                frame.isMapping ? .key(path, frame.pendingKey?.text ?? "") : .index(path, frame.items.count)
        }
        return path
    }

    private var pathText: String { path.text }

    /// An alias as a message may show it, with a blank behind it; nothing where it may be a secret without
    /// quotes.
    private func shown(_ name: String) -> String {
        let context = frames.reduce(SecretContext.open) { context, frame in
            frame.pendingKey.map { context.below($0.text) } ?? context
        }
        guard case .open = context, !SecretSigns.looksSecret(name) else { return "" }
        return "`*\(name)` "
    }
}

extension Span {
    static let start = Span(start: Mark(line: 0, column: 0), end: Mark(line: 0, column: 0))
}
