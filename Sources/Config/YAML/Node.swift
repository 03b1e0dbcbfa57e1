/// A value of the file with its place. A class, so that an alias shares what it names instead of copying it.
final class Node: Sendable {
    enum Kind: Sendable {
        case scalar(String, YAMLEvent.Style)
        case sequence([Node])
        case mapping([Entry])
    }
    struct Entry: Sendable {
        let key: String
        let keySpan: Span
        let value: Node
    }

    let kind: Kind
    let span: Span
    /// What stands in a mapping and is not taken: values of duplicate and merge keys. For masking only.
    let dropped: [Entry]
    /// Nodes in it with every alias spelled out, itself included.
    let expandedCount: Int
    /// Collections inside each other; 0 for a scalar.
    let height: Int

    init(_ kind: Kind, span: Span, dropped: [Entry] = []) {
        self.kind = kind
        self.span = span
        self.dropped = dropped
        let children: [Node]
        switch kind {
        case .scalar: children = []
        case .sequence(let items): children = items
        case .mapping(let entries): children = entries.map(\.value) + dropped.map(\.value)
        }
        expandedCount = children.reduce(1) { $0 + $1.expandedCount }
        if case .scalar = kind { height = 0 } else { height = 1 + (children.map(\.height).max() ?? 0) }
    }

    /// The value of a key; nil where there is none or this is not a mapping.
    func value(of key: String) -> Node? {
        guard case .mapping(let entries) = kind else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// What a message calls it.
    var kindName: String {
        switch kind {
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
