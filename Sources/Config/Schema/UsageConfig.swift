/// `usage`: where it is written what callers used.
public struct UsageConfig: Equatable, Sendable {
    /// Entry of `stores`.
    public var store: String
}

extension UsageConfig {
    init(_ node: MappingReader) {
        store = node.required("store", .name, "Entry of `stores`.")
    }
}
