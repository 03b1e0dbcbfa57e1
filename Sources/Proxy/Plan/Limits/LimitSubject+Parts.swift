/// For whom a request counts.
extension LimitSubject {
    /// - Parameters:
    ///   - caller: nil: nobody in particular was let in.
    ///   - auth: the entry that let the caller in.
    ///   - address: the client's own.
    ///   - upstream: nil: no upstream is asked.
    ///   - model: `ModelTable.subject` of what the request names; nil for none.
    init(
        of parts: LimitSubjectParts, caller: Caller?, auth: AuthPlan?, address: PeerAddress,
        route: LimitSubject = .everybody, upstream: LimitSubject? = nil,
        model: LimitSubject? = nil
    ) {
        // Why first: most limits are by one thing alone.
        if parts == .key {
            self.init(key: caller, address)
            return
        }
        if parts == .ip {
            self.init(address)
            return
        }
        var subject = LimitSubject.everybody
        if parts.contains(.key) { subject = subject.joined(with: LimitSubject(key: caller, address)) }
        if parts.contains(.user) { subject = subject.joined(with: LimitSubject(user: caller, auth, address)) }
        if parts.contains(.ip) { subject = subject.joined(with: LimitSubject(address)) }
        if parts.contains(.route) { subject = subject.joined(with: route) }
        if parts.contains(.upstream), let upstream { subject = subject.joined(with: upstream) }
        if parts.contains(.model), let model { subject = subject.joined(with: model) }
        self = subject
    }

    /// The caller, or the address of somebody who came without a credential.
    private init(key caller: Caller?, _ address: PeerAddress) {
        self = caller?.rateSubject ?? LimitSubject(address)
    }

    /// All keys and sessions of a user are one; who is no user of a store is their key.
    private init(user caller: Caller?, _ auth: AuthPlan?, _ address: PeerAddress) {
        guard let caller, caller.userID != 0, let auth else {
            self.init(key: caller, address)
            return
        }
        self = auth.userSubjectBase.joined(
            with: LimitSubject(high: 0, low: UInt64(bitPattern: caller.userID)))
    }

    /// IPv6 by /64: whoever has one address has them all.
    init(_ address: PeerAddress) {
        let isVersion4 = address.high == 0 && address.low >> 32 == 0xFFFF
        self.init(high: address.high, low: isVersion4 ? address.low : 0)
    }
}

extension LimitSubjectParts {
    /// What is known of somebody without a request for a model: `action: limits` can tell how they stand.
    var areOfCaller: Bool { isSubset(of: [.key, .user, .ip]) }
}
