/// `upstreams.NAME.balance`: how an upstream chooses among its endpoints.
public enum BalanceConfig: Equatable, Sendable {
    /// In turn, by weight. The default.
    case roundRobin
    /// The one with fewer requests outstanding, for its weight.
    case leastLoaded
    /// The same endpoint for what these make of a request: each once, in the order of `Subject`, never empty.
    /// Without `route` and `upstream`, which are the same for all that come here.
    case hash([LimitConfig.Subject])

    static let subjects: [LimitConfig.Subject] = [.key, .user, .ip, .model]
}

extension BalanceConfig {
    /// `{ hash: … }`
    fileprivate init(_ node: MappingReader) {
        let subject = Form<LimitConfig.Subject>.word(Self.subjects.map { ($0.rawValue, $0) })
        let subjects = node.required(
            "hash", .distinct(.oneOrList(subject)),
            "What decides: `key` (the caller; without one its address), `user`, `ip` (IPv6 by /64), `model`; or a list."
        )
        self = .hash(Self.subjects.filter(subjects.contains))
    }
}

extension Form where Value == BalanceConfig {
    static var balance: Form {
        let word = Form<BalanceConfig>.word([
            ("round-robin", .roundRobin), ("least-loaded", .leastLoaded), ("hash", .hash([.key])),
        ])
        let mapping = Form<BalanceConfig>.mapping(BalanceConfig.init(_:))
        return Form(
            schema: .anyOf([word.schema(), mapping.schema()]), standIn: .roundRobin
        ) { (place) throws(Noted) in
            if case .mapping = place.node.kind { return try mapping.read(place) }
            return try word.read(place)
        }
    }
}
