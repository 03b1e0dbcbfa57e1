import CLinux

/// How much: what a request takes of limits before it goes on.
extension Worker {
    /// The exchange gets an account where a limit applies to it, or somebody wants to know what it uses.
    func openAccount(_ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead) {
        let hasOwn = ownLimit(route, exchange) > 0
        let isMetered = route.countsUsage && head.mayUseModel
        guard !route.limits.isEmpty || hasOwn || isMetered else { return }
        let account = spareAccounts.popLast() ?? UsageAccount()
        account.isMetered = isMetered
        exchange.account = account
    }

    /// Asked before a body is read, so that nobody uploads what is refused anyway. Takes nothing.
    func probeLimits(_ exchange: RunningExchange) -> LocalReply? {
        guard exchange.isInspected, let account = exchange.account, let route = exchange.route else {
            return nil
        }
        addEntries(route, exchange, account, isProbe: true)
        let time = limitTime()
        guard let refusal = handle.ledger.probe(account.reservation, at: time) else {
            account.forgetEntries()
            return nil
        }
        return refuse(refusal, exchange, account, time)
    }

    /// Takes from every limit of the route and from the caller's own, or from none. From here on the request
    /// counts as admitted.
    /// - Returns: what to answer where one is used up.
    func takeLimits(_ route: RoutePlan, _ exchange: RunningExchange) -> LocalReply? {
        if let refusal = reserveLimits(route, exchange) { return refusal }
        if let caller = exchange.caller {
            exchange.auth?.callers.noteUse(of: caller, at: exchange.record.startedAt)
        }
        return nil
    }

    private func reserveLimits(_ route: RoutePlan, _ exchange: RunningExchange) -> LocalReply? {
        guard let account = exchange.account else { return nil }
        addEntries(route, exchange, account, isProbe: false)
        guard account.reservation.count > 0 else { return nil }
        let time = limitTime()
        let refusal = handle.ledger.reserve(account.reservation, at: time)
        return refusal.map { refuse($0, exchange, account, time) }
    }

    private func refuse(
        _ refusal: LimitRefusal, _ exchange: RunningExchange, _ account: UsageAccount, _ time: LimitTime
    ) -> LocalReply {
        let told = RateRefusal(account.reservation, refusal, realtime: time.realtime)
        exchange.rateRefusal = told
        return told.reply
    }

    /// Why the present, always: a shard has counts of others as well, and a calendar that goes back would
    /// open their budgets.
    func limitTime() -> LimitTime { LimitTime(monotonic: now, realtime: headgate_realtime_ns()) }

    // MARK: Entries

    /// Of the caller, in requests per minute; 0: none.
    private func ownLimit(_ route: RoutePlan, _ exchange: RunningExchange) -> UInt32 {
        route.takesOwnLimit ? exchange.caller?.requestsPerMinute ?? 0 : 0
    }

    private func addEntries(
        _ route: RoutePlan, _ exchange: RunningExchange, _ account: UsageAccount, isProbe: Bool
    ) {
        let own = ownLimit(route, exchange)
        let counts = account.isMetered && !isProbe
        let isAimed = exchange.timeouts != .off
        for index in route.limits.indices {
            let limit = route.limits[index]
            // Which model it is about is not known yet.
            if isProbe && (limit.subject.contains(.model) || !isAimed && limit.subject.contains(.upstream)) {
                continue
            }
            let subject = subject(of: limit.subject, route, exchange)
            let charge =
                counts && limit.countsTokensOrMoney
                ? account.charge(defaultReserve: limit.defaultReserve) : LimitCharge()
            for measure in limit.measures {
                if measure.unit.isSpending && !counts { continue }
                if own > 0 && limit.givesWayToOwn && measure.isRequestsPerMinute { continue }
                account.add(measure, subject, of: charge, limit: UInt8(index), cuts: limit.cutsOnExceed)
            }
        }
        guard own > 0, let caller = exchange.caller, let auth = exchange.auth else { return }
        account.add(
            auth.ownMeasure, caller.rateSubject, of: LimitCharge(), max: UInt64(own),
            limit: UsageAccount.own, cuts: false)
    }

    private func subject(
        of parts: LimitSubjectParts, _ route: RoutePlan, _ exchange: RunningExchange
    ) -> LimitSubject {
        var upstreamSubject: LimitSubject?
        if parts.contains(.upstream), route.action.proxies {
            upstreamSubject = upstreamPlan(of: exchange).subject
        }
        var model: LimitSubject?
        if parts.contains(.model) {
            model = exchange.serving!.plan.models.subject(of: exchange.notes[.model])
        }
        return LimitSubject(
            of: parts, caller: exchange.caller, auth: exchange.auth, address: exchange.record.peer,
            route: route.subject, upstream: upstreamSubject, model: model)
    }
}

extension RequestHead {
    /// It has a body, and a method for which bodies mean something (RFC 9110 §9.3).
    var mayUseModel: Bool {
        guard framing != .none, framing != .length(0) else { return false }
        switch method {
        case .post, .put, .patch, .delete, .other: return true
        case .get, .head, .connect, .options, .trace: return false
        }
    }
}

extension LimitMeasure {
    /// What a caller's own limit stands in place of.
    var isRequestsPerMinute: Bool { unit == .requests && period == .minute }
}
