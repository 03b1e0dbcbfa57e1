/// Where an exchange stands with the gate of its upstream.
enum GateStanding: Equatable {
    /// Not there yet, or done with it; and where the upstream has no gate.
    case outside
    case queued(WaitingLine.Place)
    case inside
}

/// An exchange at the gate of its upstream (`max_in_flight`, `queue`): in, or waiting for a place, and out.
extension Worker {
    /// - Returns: false if the exchange waits from here on, or was refused.
    func enter(
        _ gate: UpstreamGate, _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) -> Bool {
        lastTicket += 1
        switch gate.enter(Ticket(worker: handle.index, number: lastTicket)) {
        case .entered:
            exchange.standing = .inside
            return true
        case .queued(let place):
            hold(exchange, UnsafeRawBufferPointer(bytes), head)
            exchange.machine.queued()
            exchange.standing = .queued(place)
            exchange.ticket = lastTicket
            exchange.queuedAt = now
            exchange.queueDeadline = Worker.after(upstreamPlan(of: exchange).queueTimeout, now)
            queued[lastTicket] = exchange
            rearm(client)
        case .full: carryOut(.refuse(.upstreamFull), exchange, client, head, bytes)
        case .queueFull: carryOut(.refuse(.upstreamQueueFull), exchange, client, head, bytes)
        }
        return false
    }

    /// There is a place for the exchange. If it has ended meanwhile, it has passed the place on already.
    func placeFreed(_ ticket: Ticket) {
        guard ticket.worker == handle.index, let exchange = queued[ticket.number] else { return }
        goIn(exchange)
    }

    /// `queue.timeout` is over, or `total`.
    func queueTimedOut(_ exchange: RunningExchange) {
        guard exchange.queueDeadline <= exchange.totalDeadline else {
            perform(exchange.machine.upstreamTimedOut(again: false), exchange)
            return
        }
        guard let gate = upstreamPlan(of: exchange).gate, case .queued(let place) = exchange.standing else {
            fatalError("queued, and not at a gate")
        }
        guard gate.expire(Ticket(worker: handle.index, number: exchange.ticket), at: place) else {
            goIn(exchange)
            return
        }
        endWaiting(exchange)
        exchange.standing = .outside
        perform(exchange.machine.queueTimedOut(), exchange)
    }

    /// The exchange is done with its upstream, or has ended before it came to it. Whose place it becomes is
    /// told by mail, also within this worker: the bytes of the exchange that ends are still in the buffers.
    func leaveGate(_ exchange: RunningExchange) {
        let next: Ticket?
        switch exchange.standing {
        case .outside: return
        case .inside: next = upstreamPlan(of: exchange).gate?.leave()
        case .queued(let place):
            let ticket = Ticket(worker: handle.index, number: exchange.ticket)
            endWaiting(exchange)
            next = upstreamPlan(of: exchange).gate?.cancel(ticket, at: place)
        }
        exchange.standing = .outside
        if let next { handle.mailboxes.tell(next, .placeFreed(next)) }
    }

    private func endWaiting(_ exchange: RunningExchange) {
        queued[exchange.ticket] = nil
        exchange.ticket = 0
        exchange.record.queueTime = now - exchange.queuedAt
    }

    /// On from the held request.
    private func goIn(_ exchange: RunningExchange) {
        endWaiting(exchange)
        exchange.standing = .inside
        perform(exchange.machine.placeFreed(), exchange)
        // The clock of the queue is off; connecting has its own.
        if let client = exchange.client { rearm(client) }
    }
}
