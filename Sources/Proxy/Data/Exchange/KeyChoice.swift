/// Which key goes to the upstream: known, or asked of control; and what becomes of one that is not taken.
extension Worker {
    enum KeyState {
        case ready
        /// The exchange waits for control's answer.
        case asked
        case none(LocalReply)
    }

    /// How long a key that the upstream has refused is left out, as long as there is another.
    private static let refusedFor: UInt64 = 60_000_000_000
    /// Without `Retry-After`.
    private static let cooledFor: UInt64 = 10_000_000_000

    /// For the attempt that begins now.
    func chooseKey(_ exchange: RunningExchange) -> KeyState {
        guard let plan = upstreamPlan(of: exchange).key else { return .ready }
        let course = course(of: exchange)
        if course.keys != nil, !course.wantsRenewal { return .ready }
        switch plan.source {
        case .fixed(let set): return take(set, course) ? .ready : .none(.upstreamCredentialsExhausted)
        case .chain(let index, let answerer, let byModel):
            let key = keyIndexKey(exchange, plan, byModel)
            if !course.wantsRenewal, let set = index.find(key) {
                return take(set, course) ? .ready : .none(.upstreamCredentialsExhausted)
            }
            return askForKey(exchange, course, key, answerer, byModel) ? .asked : .none(.tooManyQuestions)
        }
    }

    private func take(_ set: KeySet, _ course: Course) -> Bool {
        guard let index = set.pick(tried: course.triedKeys, now: now, random: requestIDs.nextRandom()) else {
            return false
        }
        course.keys = set
        course.keyIndex = index
        course.triedKeys |= 1 << UInt64(index)
        return true
    }

    private func keyIndexKey(
        _ exchange: RunningExchange, _ plan: KeyPlan, _ byModel: Bool
    ) -> KeyIndex.Key {
        var userID: Int64 = 0
        if let store = plan.userStore, exchange.auth?.userStore == store {
            userID = exchange.caller?.userID ?? 0
        }
        return KeyIndex.Key(
            userID: userID, model: byModel ? LimitSubject(exchange.notes[.model]) : .everybody)
    }

    private func askForKey(
        _ exchange: RunningExchange, _ course: Course, _ key: KeyIndex.Key, _ answerer: Answerer,
        _ byModel: Bool
    ) -> Bool {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let request = KeyRequest(
            key: key, callerLabel: Array(exchange.caller?.label.bytes ?? none),
            model: byModel ? Array(exchange.notes[.model]) : [], refused: course.keys,
            requestID: Array(exchange.notes[.requestID]))
        guard post(exchange, answerer, .upstreamKey(request)) else { return false }
        exchange.machine.keyWanted()
        return true
    }

    /// Control has answered the question for a key.
    func keyAnswered(_ exchange: RunningExchange, _ answer: Answer) {
        let course = course(of: exchange)
        let isRenewal = course.wantsRenewal
        course.wantsRenewal = false
        switch answer {
        case .keys(let set):
            course.forgetKeys()
            guard take(set, course) else { return keyMissing(exchange, .upstreamCredentialsExhausted) }
            perform(exchange.machine.keyFound(), exchange)
        case .refused(let reply): keyMissing(exchange, isRenewal ? .upstreamCredentialsExhausted : reply)
        case .accepted, .reply: fatalError("control was asked for a key")
        }
    }

    func keyMissing(_ exchange: RunningExchange, _ reply: LocalReply) {
        exchange.course?.wantsRenewal = false
        perform(exchange.machine.keyMissing(again: movesOnWithoutKey(exchange), reply: reply), exchange)
    }

    /// - Returns: whether the next upstream is asked, because there is no key for this one.
    func movesOnWithoutKey(_ exchange: RunningExchange) -> Bool {
        guard moveOn(exchange) else { return false }
        endAttempt(exchange, .keyMissing)
        return true
    }

    // MARK: Refused

    /// An answer that is about our key and not about the request.
    /// - Returns: false: it is passed on, or something else decides.
    func turnsKeyAway(
        _ exchange: RunningExchange, _ head: ResponseHead, retryAfter: UInt64?
    ) -> Bool {
        guard let course = exchange.course, let key = course.credential, let set = course.keys else {
            return false
        }
        switch head.status {
        case 401, 402:
            key.refuse(status: head.status, until: now + Worker.refusedFor)
            let again = usesAnother(exchange, course, set) || renews(exchange, course, set)
            keyRefused(exchange, head.status, again: again)
        case 403:
            // Why neither refused nor renewed, and of several for everybody one other alone: it may be about
            // what was asked for. Nothing keeps the next request from the same, so that the budget has to.
            let mayGoOn = set.choice == .first || !course.hasMetForbidden
            course.hasMetForbidden = true
            let again = mayGoOn && upstreamPlan(of: exchange).retryBudget.take(now: now)
            keyRefused(exchange, head.status, again: again && usesAnother(exchange, course, set))
        case 429:
            let pause = min(retryAfter ?? Worker.cooledFor, RetryAfter.max)
            key.cooledUntil.store(now + pause, ordering: .relaxed)
            guard set.choice == .weighted, usesAnother(exchange, course, set) else { return false }
            turnAway(exchange, head.status, again: true)
        default: return false
        }
        return true
    }

    private func keyRefused(_ exchange: RunningExchange, _ status: UInt16, again: Bool) {
        turnAway(exchange, status, again: again || isRepeatable(exchange) && moveOn(exchange))
    }

    private func turnAway(_ exchange: RunningExchange, _ status: UInt16, again: Bool) {
        if again {
            exchange.sentAt = 0
            endAttempt(exchange, .keyRefused, status: status)
        }
        perform(exchange.machine.turnedAway(again: again, reply: .upstreamCredentialsExhausted), exchange)
    }

    /// The request goes out once more, with another key of the set. Why nothing of the budget: the key before
    /// is left out from now on, so that few meet it.
    private func usesAnother(_ exchange: RunningExchange, _ course: Course, _ set: KeySet) -> Bool {
        guard mayGoAgain(exchange), take(set, course) else { return false }
        keepsPlace(exchange)
        return true
    }

    /// Control may come by another key, once.
    private func renews(_ exchange: RunningExchange, _ course: Course, _ set: KeySet) -> Bool {
        guard set.canRenew, !course.hasRenewed, mayGoAgain(exchange) else { return false }
        course.hasRenewed = true
        course.wantsRenewal = true
        keepsPlace(exchange)
        return true
    }

    private func mayGoAgain(_ exchange: RunningExchange) -> Bool {
        isRepeatable(exchange) && !exchange.sawInterim && now < exchange.totalDeadline
    }

    /// The endpoint has done nothing wrong: the attempt does not count for it.
    private func keepsPlace(_ exchange: RunningExchange) {
        exchange.attemptsHere &-= 1
        exchange.tried = Balancer.Tried()
    }
}
