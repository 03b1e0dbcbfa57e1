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

extension PeerAddress {
    init(_ address: IPAddress) { self.init(high: address.high, low: address.low, port: 0, isUnix: false) }
}
