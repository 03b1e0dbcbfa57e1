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
        let node = Node(frame.isMapping ? .mapping(frame.entries) : .sequence(frame.items), span: span)
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
        if key.text == "<<" { return }
        if let first = frame.keys[key.text] {
            noteDuplicate(key, first: first)
        } else {
            frame.keys[key.text] = key.span
            frame.entries.append(.init(key: key.text, keySpan: key.span, value: node))
        }
    }

    private mutating func aliased(_ name: String, _ span: Span) throws(Failure) -> Node {
        guard !openAnchors.contains(name) else {
            throw Failure(span: span, message: "alias `*\(name)` stands inside what it names", hint: nil)
        }
        guard let node = anchors[name] else {
            let hint = "a value that begins with `*` needs quotes: `\"*\(name)\"`"
            throw Failure(span: span, message: "alias `*\(name)` is not defined", hint: hint)
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

    private mutating func noteMergeKey(_ span: Span) {
        let message = "merge keys (`<<`) are not allowed"
        remarks.append(.init(span: span, path: pathText, message: message, hint: "write the keys out"))
    }

    private mutating func noteDuplicate(_ key: (text: String, span: Span), first: Span) {
        let place = pathText.isEmpty ? "" : " in \(pathText)"
        let message =
            "duplicate key \(Quoting.quoted(key.text))\(place), first on line \(first.start.line + 1)"
        let path = pathText.isEmpty ? key.text : pathText + "." + key.text
        remarks.append(.init(span: key.span, path: path, message: message, hint: nil))
    }

    /// Path of the collection that is being filled; the frame in hand has been popped.
    private var pathText: String {
        var path = ConfigPath.root
        for frame in frames {
            path =
                frame.isMapping ? .key(path, frame.pendingKey?.text ?? "") : .index(path, frame.items.count)
        }
        return path.text
    }
}

extension Span {
    static let start = Span(start: Mark(line: 0, column: 0), end: Mark(line: 0, column: 0))
}
