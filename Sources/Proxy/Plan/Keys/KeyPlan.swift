/// With which key requests go to an upstream: one entry's `key`, compiled.
final class KeyPlan: Sendable {
    enum Source: Sendable {
        /// The same for everybody.
        case fixed(KeySet)
        /// By caller, and where `byModel` by model: what is known is in the index, the rest is a question to
        /// `answerer`.
        case chain(KeyIndex, answerer: Answerer, byModel: Bool)
    }
    let source: Source
    /// Lower-case name of the field that carries the key: the request's own one of that name does not go on.
    let field: [UInt8]
    /// The store whose users have keys of their own; nil: all callers share.
    let userStore: ObjectIdentifier?

    init(source: Source, field: [UInt8], userStore: ObjectIdentifier? = nil) {
        self.source = source
        self.field = field
        self.userStore = userStore
    }

    /// The choice of a key looks at the model that a request names.
    var isByModel: Bool {
        switch source {
        case .fixed: false
        case .chain(_, _, let byModel): byModel
        }
    }
}
