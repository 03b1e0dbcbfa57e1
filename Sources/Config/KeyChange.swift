/// A key whose value in a file differs from that in another version of the file.
public struct KeyChange: Equatable, Sendable {
    /// From the place that was compared: `timeouts.idle`; empty: all that stands there.
    public let path: String
    /// As written, or `[a, b]`. nil: there was no such key, or no such simple value, or one that is not
    /// shown.
    public let before: String?
    public let after: String?

    public init(path: String, before: String?, after: String?) {
        self.path = path
        self.before = before
        self.after = after
    }
}

extension ConfigDocument {
    /// What differs of the text at a place, in the order of this file. Empty: nothing does: then only what
    /// the text stands for is another (a variable, a default).
    /// - Parameters:
    ///   - oldSteps: the place in `old`.
    ///   - max: more are left out.
    public func changes(
        at steps: [ConfigStep], since old: ConfigDocument, at oldSteps: [ConfigStep], max: Int = 1000
    ) -> [KeyChange] {
        var comparison = NodeComparison(new: self, old: old, max: max)
        comparison.compare(old.root.node(at: oldSteps), root.node(at: steps), .root)
        return comparison.found
    }

    /// Keys at the top of the file.
    public var keys: [String] { root.keys }
}

/// One walk through two trees.
private struct NodeComparison {
    let new: ConfigDocument
    let old: ConfigDocument
    let max: Int
    var found: [KeyChange] = []

    mutating func compare(_ before: Node?, _ after: Node?, _ path: ConfigPath) {
        guard found.count < max else { return }
        switch (before?.kind, after?.kind) {
        case (nil, nil): break
        case (.scalar(let one, _)?, .scalar(let other, _)?): if one != other { note(before, after, path) }
        case (.sequence(let one)?, .sequence(let other)?) where one.count == other.count:
            for (index, pair) in zip(one, other).enumerated() {
                compare(pair.0, pair.1, .index(path, index))
            }
        case (.mapping?, .mapping?):
            guard let before, let after else { return }
            let gone = before.keys.filter { after.value(of: $0) == nil }
            for key in after.keys + gone {
                compare(before.value(of: key), after.value(of: key), .key(path, key))
            }
        case (.scalar(let text, _)?, .mapping(let entries)?) where entries.contains(text):
            for entry in entries where !entry.value.isScalar(text) {
                compare(nil, entry.value, .key(path, entry.key))
            }
        case (.mapping(let entries)?, .scalar(let text, _)?) where entries.contains(text):
            for entry in entries where !entry.value.isScalar(text) {
                compare(entry.value, nil, .key(path, entry.key))
            }
        case (.scalar?, _), (.sequence?, _), (.mapping?, _), (nil, _): note(before, after, path)
        }
    }

    private mutating func note(_ before: Node?, _ after: Node?, _ path: ConfigPath) {
        found.append(
            KeyChange(path: path.text, before: shown(before, in: old), after: shown(after, in: new)))
    }

    private func shown(_ node: Node?, in document: ConfigDocument) -> String? {
        switch node?.kind {
        case .scalar(let text, _)?:
            guard let node, !document.redaction.covers(node.span) else { return nil }
            return Quoting.escaped(text)
        case .sequence(let items)? where items.count <= NodeComparison.itemsMax:
            let texts = items.compactMap { $0.isCollection ? nil : shown($0, in: document) }
            return texts.count == items.count ? "[\(texts.joined(separator: ", "))]" : nil
        case .sequence?, .mapping?, nil: return nil
        }
    }

    /// Of a list that is shown.
    private static let itemsMax = 8
}

extension [Node.Entry] {
    /// `bind: 127.0.0.1:8000` and more, in place of `127.0.0.1:8000` alone.
    fileprivate func contains(_ text: String) -> Bool { contains { $0.value.isScalar(text) } }
}

extension Node {
    fileprivate func isScalar(_ wanted: String) -> Bool {
        if case .scalar(let text, _) = kind { text == wanted } else { false }
    }

    fileprivate var isCollection: Bool {
        if case .scalar = kind { false } else { true }
    }

    fileprivate var keys: [String] {
        guard case .mapping(let entries) = kind else { return [] }
        return entries.map(\.key)
    }

    fileprivate func node(at steps: [ConfigStep]) -> Node? {
        var node: Node? = self
        for step in steps {
            switch (step, node?.kind) {
            case (.key(let name), .mapping?): node = node?.value(of: name)
            case (.index(let index), .sequence(let items)?):
                node = items.indices.contains(index) ? items[index] : nil
            // A list of one may be written without the list.
            case (.index(0), _): break
            case (.key, _), (.index, _): return nil
            }
        }
        return node
    }
}
