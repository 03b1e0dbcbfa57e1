import CLinux

/// Who a request is from, and whether it may come in: the route's `auth`, then its limits.
extension Worker {
    enum CallerAdmission {
        case admitted
        case refused(LocalReply)
        /// Control is to be asked.
        case undecided(Credential, KeyDigest, Answerer)
    }

    /// Finds the one credential, makes its digest at most once, and asks the entries in turn.
    ///
    /// Cost: no allocation; the digest of the credential and one look-up for each entry that could know it.
    func admitCaller(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> CallerAdmission {
        let presence = Credential.find(in: fields, head, bytes)
        var decision = CallerDecision(CallerDecision.Presented(presence, takesTokens: route.takesTokens))
        var digest: KeyDigest?
        for auth in route.auth {
            var found: Caller?
            if decision.needsLookup(auth), case .one(let credential) = presence {
                let known = digest ?? credential.digest
                digest = known
                found = auth.callers.find(known)
            }
            var finding = CallerDecision.Finding(found, now: exchange.record.startedAt)
            if found == nil, case .one(let credential) = presence, !auth.mayHold(credential) {
                finding = .malformed
            }
            let isInDoubt = found == nil && auth.callers.isInDoubt(now: now)
            switch decision.consider(auth, finding, isInDoubt: isInDoubt) {
            case .notMine: continue
            case .accept, .acceptAnyone:
                exchange.caller = found
                exchange.auth = auth
                return .admitted
            case .refuse(let reply):
                exchange.rejectStatus = auth.rejectStatus
                return .refused(reply)
            case .ask:
                guard case .one(let credential) = presence, let digest, case .jwt(let answerer) = auth.mode
                else { fatalError("only tokens are asked about") }
                exchange.auth = auth
                exchange.rejectStatus = auth.rejectStatus
                return .undecided(credential, digest, answerer)
            }
        }
        exchange.rejectStatus = decision.refusalStatus
        return .refused(decision.refusal)
    }

    /// The route's limits, and the caller's own, which stands in place of those by key. Refused requests do
    /// not count anywhere.
    /// - Returns: the limit that is reached.
    func admitRate(_ route: RoutePlan, _ exchange: RunningExchange) -> RateRefusal? {
        var counted = 0
        for limit in route.limits where counts(limit, exchange) {
            let subject = subject(of: limit, exchange)
            let verdict = limit.windows.admit(
                subject, max: limit.requestsMax, window: limit.windowNanoseconds, now: now)
            if case .refused(let wait) = verdict {
                withdraw(counted, route, exchange)
                return refusal(exchange, limit.requestsMax, wait)
            }
            counted += 1
        }
        guard let caller = exchange.caller, caller.requestsPerMinute > 0, let auth = exchange.auth else {
            return nil
        }
        let verdict = auth.callers.windows.admit(
            caller.rateSubject, max: Int(caller.requestsPerMinute), window: Worker.minute, now: now)
        guard case .refused(let wait) = verdict else { return nil }
        withdraw(counted, route, exchange)
        return refusal(exchange, Int(caller.requestsPerMinute), wait)
    }

    private static let minute: UInt64 = 60_000_000_000

    /// Limits that had counted the request before another refused it.
    private func withdraw(_ count: Int, _ route: RoutePlan, _ exchange: RunningExchange) {
        for limit in route.limits.lazy.filter({ self.counts($0, exchange) }).prefix(count) {
            limit.windows.withdraw(subject(of: limit, exchange))
        }
    }

    private func counts(_ limit: RateLimit, _ exchange: RunningExchange) -> Bool {
        switch limit.subject {
        case .ip: true
        case .key: (exchange.caller?.requestsPerMinute ?? 0) == 0
        }
    }

    private func subject(of limit: RateLimit, _ exchange: RunningExchange) -> RequestWindows.Subject {
        switch limit.subject {
        case .ip: RequestWindows.Subject(exchange.record.peer)
        case .key:
            exchange.caller?.rateSubject ?? RequestWindows.Subject(exchange.record.peer)
        }
    }

    private func refusal(_ exchange: RunningExchange, _ requestsMax: Int, _ wait: UInt64) -> RateRefusal {
        RateRefusal(
            reason: .full, unit: .requests, period: .minute, max: UInt64(requestsMax), wait: wait,
            resetsAt: exchange.record.startedAt + wait)
    }

    // MARK: The client itself

    /// Behind proxies that are trusted, the client is who they say it is.
    func noteClient(
        _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let trusted = exchange.serving!.plan.trustedProxies
        guard !trusted.isEmpty, trusted.contains(where: { $0.contains(client.peer) }) else { return }
        // Why the last one, and only alone: what stands further from us may have come from the client.
        var realAddress: IPAddress?
        var (sawForwardedFor, sawRealAddress) = (false, false)
        for index in stride(from: head.fieldCount - 1, through: 0, by: -1) {
            let line = fields.lines[index]
            if line.known == .xForwardedFor {
                sawForwardedFor = true
                var entries = ForwardedForReader(line.value.bytes(of: bytes))
                while let entry = entries.next() {
                    // What stands in front of an entry that cannot be read may be anybody's.
                    guard let address = entry else { return }
                    let peer = PeerAddress(address)
                    exchange.record.peer = peer
                    if !trusted.contains(where: { $0.contains(peer) }) { return }
                }
            } else if !sawRealAddress, line.known == .other,
                asciiCaseInsensitiveEqual(line.name.bytes(of: bytes), "x-real-ip")
            {
                sawRealAddress = true
                realAddress = IPAddress(parsing: line.value.bytes(of: bytes))
            }
        }
        if !sawForwardedFor, let realAddress { exchange.record.peer = PeerAddress(realAddress) }
    }
}

extension AuthPlan {
    /// Whether the credential begins as its keys do.
    fileprivate func mayHold(_ credential: Credential) -> Bool {
        keyPrefixes.isEmpty || keyPrefixes.contains { credential.bytes.starts(with: $0) }
    }
}

extension CallerDecision.Presented {
    /// - Parameter takesTokens: whether it matters what a credential looks like.
    init(_ presence: Credential.Presence, takesTokens: Bool) {
        self =
            switch presence {
            case .none: .none
            case .one(let credential):
                .one(forms: credential.forms, looksLikeJWT: takesTokens && credential.looksLikeJWT)
            case .conflicting: .conflicting
            }
    }
}

extension CallerDecision.Finding {
    /// - Parameter now: nanoseconds since 1970.
    init(_ caller: Caller?, now: UInt64) {
        guard let caller else {
            self = .unknown
            return
        }
        self =
            switch caller.state {
            case .active: now < caller.notAfter ? .active : .expired
            case .revoked: .revoked
            case .disabled: .disabled
            }
    }
}

extension RequestWindows.Subject {
    /// IPv6 by /64: whoever has one address has them all.
    init(_ address: PeerAddress) {
        let isVersion4 = address.high == 0 && address.low >> 32 == 0xFFFF
        self.init(high: address.high, low: isVersion4 ? address.low : 0)
    }
}

extension PeerAddress {
    init(_ address: IPAddress) { self.init(high: address.high, low: address.low, port: 0, isUnix: false) }
}
