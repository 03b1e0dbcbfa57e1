import Config

/// Finds out who a subject of a limit is. The ledger knows subjects as 128 bits alone: whoever could be meant
/// is tried.
struct LimitSubjectNames {
    private struct Candidate {
        let subject: LimitSubject
        let name: String
    }

    let auth: AuthSet
    let config: GatewayConfig

    /// Callers that are tried of each entry, and combinations of parts: more cost control too much time.
    static let callersMax = 100_000
    static let combinationsMax = 200_000

    /// - Parameter wanted: each with the parts of its limit.
    /// - Returns: those that could be found out.
    func find(_ wanted: [(subject: LimitSubject, parts: LimitSubjectParts)]) -> [LimitSubject: String] {
        var found: [LimitSubject: String] = [:]
        for (parts, subjects) in Dictionary(grouping: wanted, by: { $0.parts.rawValue }) {
            let parts = LimitSubjectParts(rawValue: parts)
            let open = Set(subjects.map(\.subject))
            if parts == .ip || parts == .key {
                for subject in open { found[subject] = LimitSubjectNames.address(subject) }
            }
            let unnamed = open.filter { found[$0] == nil }
            guard parts != .ip, !unnamed.isEmpty else { continue }
            found.merge(search(unnamed, parts)) { first, _ in first }
        }
        return found
    }

    /// For one that could not be found out.
    static func unnamed(_ subject: LimitSubject) -> String {
        let digits = String(subject.mixed >> 32, radix: 16)
        return "somebody (#" + String(repeating: "0", count: 8 - digits.count) + digits + ")"
    }

    /// IPv4, or the /64 of an IPv6 address. nil: it is none, as far as can be told.
    private static func address(_ subject: LimitSubject) -> String? {
        let peer = PeerAddress(high: subject.high, low: subject.low, port: 0, isUnix: false)
        if subject.high == 0, subject.low >> 32 == 0xFFFF { return peer.hostText }
        // Why: what else ends in 64 zeros is a digest by a chance of one in 2⁶⁴.
        guard subject.low == 0 else { return nil }
        return subject.high == 0 ? "this machine" : peer.hostText + "/64"
    }

    // MARK: - Trying

    private func search(_ wanted: Set<LimitSubject>, _ parts: LimitSubjectParts) -> [LimitSubject: String] {
        var found: [LimitSubject: String] = [:]
        // As `LimitSubject(of:)` puts them together: a limit by key alone is the key itself.
        if parts == .key {
            for candidate in callers() where wanted.contains(candidate.subject) {
                found[candidate.subject] = candidate.name
            }
            return found
        }
        guard !parts.contains(.ip) else { return [:] }
        var joined = [Candidate(subject: .everybody, name: "")]
        for list in lists(of: parts) {
            guard joined.count * list.count <= LimitSubjectNames.combinationsMax else { return [:] }
            joined = joined.flatMap { first in
                list.map { next in
                    Candidate(
                        subject: first.subject.joined(with: next.subject),
                        name: first.name.isEmpty ? next.name : "\(first.name), \(next.name)")
                }
            }
        }
        for candidate in joined where wanted.contains(candidate.subject) {
            found[candidate.subject] = candidate.name
        }
        return found
    }

    /// In the order in which they are joined.
    private func lists(of parts: LimitSubjectParts) -> [[Candidate]] {
        var lists: [[Candidate]] = []
        if parts.contains(.key) { lists.append(callers()) }
        if parts.contains(.user) { lists.append(users()) }
        if parts.contains(.route) {
            lists.append(config.routes.map { named("route \($0.index)", $0.identity) })
        }
        if parts.contains(.upstream) {
            lists.append(config.upstreams.map { named("upstream \($0.name)", $0.name) })
        }
        if parts.contains(.model) { lists.append(config.models.map { named("model \($0.name)", $0.name) }) }
        return lists
    }

    private func named(_ shown: String, _ name: String) -> Candidate {
        Candidate(subject: LimitSubject(name: name), name: shown)
    }

    private func callers() -> [Candidate] {
        each { name, _, caller in
            Candidate(subject: caller.rateSubject, name: "\(name) `\(caller.label.text)`")
        }
    }

    private func users() -> [Candidate] {
        each { name, plan, caller in
            guard caller.userID != 0 else {
                return Candidate(subject: caller.rateSubject, name: "\(name) `\(caller.label.text)`")
            }
            let row = LimitSubject(high: 0, low: UInt64(bitPattern: caller.userID))
            return Candidate(
                subject: plan.userSubjectBase.joined(with: row),
                name: "\(name) the user of `\(caller.label.text)`")
        }
    }

    private func each(_ make: (String, AuthPlan, Caller) -> Candidate) -> [Candidate] {
        var candidates: [Candidate] = []
        for (name, plan) in auth.plans.sorted(by: { $0.key < $1.key }) {
            let end = candidates.count + LimitSubjectNames.callersMax
            plan.callers.forEach { if candidates.count < end { candidates.append(make(name, plan, $0)) } }
        }
        return candidates
    }
}
