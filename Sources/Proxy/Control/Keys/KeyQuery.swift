import Stores

/// For whom, and for which model, a key is looked for.
public struct KeyQuery: Sendable {
    /// A user of the chain's store; nil: nobody in particular.
    public var user: User?
    /// What the request names; nil: none in particular.
    public var model: String?

    public init(user: User? = nil, model: String? = nil) {
        self.user = user
        self.model = model
    }

    /// Names of rows that would do, best first.
    func names(for upstream: String) -> [String] {
        let ofModel = model.map { [$0, "\(upstream)/\($0)"] } ?? []
        var names: [String] = []
        for name in ofModel + [upstream, "default"] where !names.contains(name) { names.append(name) }
        return names
    }

    /// First eight characters of the user's public id, for names and logs.
    var shortID: String { user.map { String($0.publicID.prefix(8)) } ?? "shared" }
}
