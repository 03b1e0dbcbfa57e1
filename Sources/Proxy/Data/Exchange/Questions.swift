import CLinux

/// What an exchange asks of control, and what becomes of it with the answer. The worker goes on meanwhile.
extension Worker {
    /// The exchange waits from here on, or is answered where control has too much to do.
    func ask(_ exchange: RunningExchange, _ answerer: Answerer, _ subject: Question.Subject) {
        guard let client = exchange.client else { return }
        exchange.machine.asked()
        guard post(exchange, answerer, subject) else {
            exchange.machine.answered()
            refuse(exchange, .tooManyQuestions)
            return
        }
        rearm(client)
    }

    /// A question on its way to control; the answer finds the exchange by its ticket.
    /// - Returns: false where control has too much to do.
    func post(_ exchange: RunningExchange, _ answerer: Answerer, _ subject: Question.Subject) -> Bool {
        lastTicket += 1
        let ticket = Ticket(worker: handle.index, number: lastTicket)
        guard handle.desk.ask(Question(ticket: ticket, answerer: answerer, subject: subject)) else {
            return false
        }
        exchange.ticket = ticket.number
        exchange.askedAt = now
        asking[ticket.number] = exchange
        return true
    }

    /// Control has decided. The exchange may have ended meanwhile.
    func answered(_ ticket: Ticket, _ answer: Answer) {
        guard ticket.worker == handle.index, let exchange = asking.removeValue(forKey: ticket.number) else {
            return
        }
        exchange.ticket = 0
        exchange.record.askTime += now - exchange.askedAt
        guard !exchange.machine.isKeying else { return keyAnswered(exchange, answer) }
        exchange.machine.answered()
        switch answer {
        case .accepted(let caller): goOn(exchange, caller)
        case .keys: fatalError("no key was asked for")
        case .refused(let reply):
            if exchange.caller == nil { exchange.auth = nil }
            refuse(exchange, reply)
        case .reply(let reply):
            exchange.machine.answeredLocally()
            self.answer(exchange, reply)
        }
    }

    /// Control does not answer in time.
    func answerMissing(_ exchange: RunningExchange) {
        asking[exchange.ticket] = nil
        exchange.ticket = 0
        exchange.record.askTime += now - exchange.askedAt
        guard !exchange.machine.isKeying else {
            guard now >= exchange.totalDeadline else { return keyMissing(exchange, .upstreamKeyUnavailable) }
            exchange.hasTimedOut = true
            return perform(exchange.machine.upstreamTimedOut(again: false), exchange)
        }
        exchange.machine.answered()
        refuse(exchange, .authBackendUnavailable)
    }

    private func refuse(_ exchange: RunningExchange, _ reply: LocalReply) {
        exchange.machine.answeredLocally()
        answer(exchange, reply)
    }

    /// The credential was good: on from the held request.
    private func goOn(_ exchange: RunningExchange, _ caller: Caller) {
        guard let client = exchange.client, let route = exchange.route else { return }
        guard caller.state == .active else {
            refuse(exchange, .credentialInactive)
            return
        }
        exchange.caller = caller
        let (head, bytes) = parseHeld(exchange)
        exchange.held.release(to: blocks)
        let decision = decideAdmitted(route, exchange, head, UnsafeRawBufferPointer(bytes))
        carryOut(decision, exchange, client, head, bytes)
        // What was reported while control was asked is not reported again.
        if client.phase == .exchange && (client.isReadable || client.hasEnded) { queueAgain(client) }
    }

    /// `on_revoke: cut`: exchanges of callers that may not be here any more end.
    func cutRevoked() {
        // Why a copy: ending an exchange may take its client out of the list.
        for client in Array(clients) {
            guard let exchange = client.exchange, client.phase == .exchange, let caller = exchange.caller,
                caller.state != .active, exchange.auth?.cutsOnRevoke == true
            else { continue }
            exchange.rejectStatus = exchange.auth?.rejectStatus ?? 401
            perform(exchange.machine.callerRevoked(), exchange)
        }
    }
}
