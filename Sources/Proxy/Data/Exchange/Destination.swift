/// Where an exchange goes: upstream, endpoint and key of each attempt.
extension Worker {
    // MARK: Upstream

    /// Everything that belongs to another upstream is forgotten.
    func aim(_ exchange: RunningExchange, at upstream: Int, _ timeouts: UpstreamTimeouts) {
        exchange.upstreamIndex = upstream
        exchange.endpoint = 0
        exchange.timeouts = timeouts
        exchange.tried = Balancer.Tried()
        exchange.attemptsHere = 0
        exchange.course?.leaveUpstream()
        if exchange.totalDeadline == .max { exchange.totalDeadline = Worker.after(timeouts.total, now) }
        if upstreamPlan(of: exchange).key != nil { _ = course(of: exchange) }
    }

    func course(of exchange: RunningExchange) -> Course {
        if let course = exchange.course { return course }
        let course = spareCourses.popLast() ?? Course()
        exchange.course = course
        return course
    }

    func endCourse(_ exchange: RunningExchange) {
        guard let course = exchange.course else { return }
        exchange.course = nil
        course.reset()
        if spareCourses.count < Worker.spareExchangesMax { spareCourses.append(course) }
    }

    /// By the model that the request names.
    /// - Returns: false: no entry of `models` says where to, or the one that fits refuses it.
    func aimByModel(_ exchange: RunningExchange, _ plan: ModelRoutePlan) -> Bool {
        let name = exchange.notes[.model]
        guard let model = exchange.serving!.plan.modelRoutes.find(name), !model.targets.isEmpty else {
            return false
        }
        // Nothing is left of the name.
        if case .stripped(let count) = model.targets[0].name, name.count <= count { return false }
        let upstreams = exchange.serving!.plan.upstreams
        let target =
            model.targets.count == 1
            ? 0 : model.targets.firstIndex { upstreams[$0.upstream].isAvailable(now: now) } ?? 0
        if model.targets.count > 1 || !model.targets[0].name.isAsSent {
            let course = course(of: exchange)
            course.model = model
            course.target = target
        }
        let upstream = model.targets[target].upstream
        aim(exchange, at: upstream, plan.timeouts[upstream])
        return true
    }

    /// To the next upstream that `first_of` names and that takes it now; to one that is not available only
    /// where none behind it is.
    /// - Returns: false: there is none.
    func moveOn(_ exchange: RunningExchange) -> Bool {
        guard let course = exchange.course, let model = course.model, now < exchange.totalDeadline,
            case .models(let plan) = exchange.route?.action
        else { return false }
        let upstreams = exchange.serving!.plan.upstreams
        for wantsAvailable in [true, false] {
            for target in model.targets.indices where target > course.target {
                let index = model.targets[target].upstream
                guard upstreams[index].isAvailable(now: now) == wantsAvailable,
                    enters(upstreams[index], index, exchange)
                else { continue }
                course.target = target
                aim(exchange, at: index, plan.timeouts[index])
                return true
            }
        }
        return false
    }

    /// Takes a place at its gate in exchange for the one that is held.
    ///
    /// Why nothing of its budget: the request is new there, and a budget of the few requests that begin at an
    /// upstream could not bear all those of one that is dead.
    private func enters(_ upstream: UpstreamPlan, _ index: Int, _ exchange: RunningExchange) -> Bool {
        // Another model of the same upstream: the place is there already, and this is a repetition.
        guard index != exchange.upstreamIndex else { return upstream.retryBudget.take(now: now) }
        guard upstream.gate?.enterIfFree() ?? true else { return false }
        upstream.retryBudget.noteRequest()
        leaveGate(exchange)
        exchange.standing = upstream.gate == nil ? .outside : .inside
        return true
    }

    func hasOtherUpstream(_ exchange: RunningExchange) -> Bool {
        guard let course = exchange.course, let model = course.model else { return false }
        return course.target + 1 < model.targets.count
    }

    // MARK: Once more

    /// Head and body are there to go out again.
    func isRepeatable(_ exchange: RunningExchange) -> Bool {
        !exchange.held.isEmpty && (exchange.keepsBody || !exchange.requestHasBody)
    }

    /// Whether the request may have to go out again once it is with an upstream, if its body is no obstacle.
    func mayRepeat(_ exchange: RunningExchange) -> Bool {
        let upstream = upstreamPlan(of: exchange)
        if upstream.key?.isChoice ?? false || hasOtherUpstream(exchange) { return true }
        return upstream.retry.attemptsMax > 1 && (exchange.method.isIdempotent || upstream.retry.repeatsPost)
    }

    /// Whether a body of so many bytes is kept for that.
    func wantsBody(_ exchange: RunningExchange, byteCount: UInt64) -> Bool {
        let upstream = upstreamPlan(of: exchange)
        guard byteCount <= UInt64(upstream.retry.bodyMax) else { return false }
        if upstream.key?.isChoice ?? false || hasOtherUpstream(exchange) { return true }
        return upstream.retry.attemptsMax > 1 && upstream.retry.repeatsPost
    }

    /// Decides whether another attempt is made after this one has come to nothing.
    /// - Returns: true: upstream and budget are settled, the next endpoint is chosen when it connects.
    func triesAgain(_ exchange: RunningExchange, after cause: Repetition.Cause) -> Bool {
        guard settlesAnother(exchange, after: cause) else { return false }
        if case .status(let status) = cause {
            endAttempt(exchange, .status, status: status)
        } else {
            endAttempt(exchange, RecordedAttempt.Cause(cause))
        }
        return true
    }

    private func settlesAnother(_ exchange: RunningExchange, after cause: Repetition.Cause) -> Bool {
        guard !exchange.isCommitted, exchange.client != nil, now < exchange.totalDeadline else {
            return false
        }
        let upstream = upstreamPlan(of: exchange)
        let repetition = Repetition(
            plan: upstream.retry, attempts: exchange.attemptsHere,
            isIdempotent: exchange.method.isIdempotent, isWhole: isRepeatable(exchange),
            hasOtherEndpoint: upstream.endpoints.count > 1 || pool(of: exchange).addressCount() > 1,
            hasOtherUpstream: hasOtherUpstream(exchange))
        switch repetition.verdict(cause) {
        case .no: return false
        case .sameUpstream:
            if upstream.retryBudget.take(now: now) { return true }
            return repetition.mayFailOver(cause) && moveOn(exchange)
        case .nextUpstream: return moveOn(exchange)
        }
    }

    // MARK: Endpoint

    /// For the attempt that begins now. Where all have had the request, it begins again with any.
    func chooseEndpoint(_ exchange: RunningExchange) {
        let plan = upstreamPlan(of: exchange)
        let balancer = exchange.serving!.balancers[exchange.upstreamIndex]
        if exchange.record.attempts == 1 { plan.retryBudget.noteRequest() }
        exchange.attemptsHere &+= 1
        if plan.endpoints.count == 1 {
            exchange.endpoint = 0
            return
        }
        let hash = hash(exchange, plan)
        var picked = balancer.pick(
            plan, hash: hash, tried: exchange.tried, now: now, random: requestIDs.nextRandom())
        if picked == nil {
            exchange.tried = Balancer.Tried()
            picked = balancer.pick(
                plan, hash: hash, tried: exchange.tried, now: now, random: requestIDs.nextRandom())
        }
        exchange.endpoint = picked ?? 0
        exchange.tried.insert(exchange.endpoint)
    }

    private func hash(_ exchange: RunningExchange, _ plan: UpstreamPlan) -> UInt64 {
        guard case .hash(let parts) = plan.balance.method else { return 0 }
        var model: LimitSubject?
        if parts.contains(.model) { model = LimitSubject(exchange.notes[.model]) }
        return LimitSubject(
            of: parts, caller: exchange.caller, auth: exchange.auth, address: exchange.record.peer,
            model: model
        ).mixed
    }
}

extension RunningExchange {
    /// Its body, if it has one, is more than nothing.
    var requestHasBody: Bool { isInspected || requestBody.contentBytes > 0 || !requestBody.hasEnded }
}

extension KeyPlan {
    /// Where the upstream does not take the key, there may be another.
    var isChoice: Bool {
        switch source {
        case .fixed(let set): set.keys.count > 1
        case .chain: true
        }
    }
}
