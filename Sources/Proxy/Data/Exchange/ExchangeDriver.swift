import CLinux
import Glibc

/// Performs the exchange's actions on real connections. Decides nothing.
extension Worker {
    func perform(_ action: Exchange.Action, _ exchange: RunningExchange) {
        switch action {
        case .wait: return
        case .connect(let freshOnly): startConnecting(exchange, freshOnly: freshOnly)
        case .sendRequest, .relayHead:
            // Performed in place by those who reported the event, because the bytes are in their hands.
            return
        case .reply(let reply): replyInstead(exchange, reply)
        case .finish(let reuseUpstream, let reuseClient): finish(exchange, reuseUpstream, reuseClient)
        case .abort(let ending): abort(exchange, ending)
        case .drainUpstream: startDraining(exchange)
        case .releaseUpstream(let reuse): finishDraining(exchange, reuse)
        }
    }

    /// The request is in `held`; it goes out when there is a connection.
    func startConnecting(_ exchange: RunningExchange, freshOnly: Bool) {
        dropUpstream(exchange)
        dropChat(exchange)
        beginAttempt(exchange, number: exchange.machine.attempt)
        switch chooseKey(exchange) {
        case .ready: break
        case .asked:
            if let client = exchange.client { rearm(client) }
            return
        case .none(let reply):
            return perform(
                exchange.machine.connectFailed(again: movesOnWithoutKey(exchange), reply: reply), exchange)
        }
        if !freshOnly { chooseEndpoint(exchange) }
        noteEndpoint(exchange)
        switch lease(exchange, freshOnly: freshOnly) {
        case .ready(let upstream): resumeWithHeldRequest(exchange, upstream)
        case .connecting: break
        case .refused(let reply): leaseRefused(exchange, reply)
        }
    }

    /// No connection can be had, or no more of them.
    func leaseRefused(_ exchange: RunningExchange, _ reply: LocalReply) {
        if reply == .upstreamUnresolved || reply == .upstreamUnreachable { noteFailure(exchange) }
        // Why not again: another endpoint needs a descriptor as well.
        let again = reply != .outOfDescriptors && triesAgain(exchange, after: .unconnected)
        perform(exchange.machine.connectFailed(again: again, reply: reply), exchange)
    }

    /// The upstream connection of this attempt is of no use any more.
    private func dropUpstream(_ exchange: RunningExchange) {
        guard let upstream = exchange.upstream else { return }
        exchange.upstream = nil
        closeUpstream(upstream)
    }

    // MARK: Endings

    private func replyInstead(_ exchange: RunningExchange, _ reply: LocalReply) {
        dropUpstream(exchange)
        answer(exchange, reply)
    }

    private func finish(_ exchange: RunningExchange, _ reuseUpstream: Bool, _ reuseClient: Bool) {
        if let upstream = exchange.upstream {
            exchange.upstream = nil
            release(upstream, reuse: reuseUpstream)
        }
        guard let client = exchange.client else { return }
        let wholeRequest = exchange.requestBody.hasEnded
        conclude(exchange)
        endExchange(client, reuseClient ? .nextRequest : wholeRequest ? .close : .linger)
    }

    private func abort(_ exchange: RunningExchange, _ ending: Exchange.Ending) {
        dropUpstream(exchange)
        switch ending {
        case .clientLeft:
            exchange.record.outcome = .clientGone
            exchange.record.fault = .client
        case .clientStalled:
            exchange.record.outcome = .clientStalled
            exchange.record.fault = .client
        case .clientBroken:
            exchange.record.outcome = .cut
            exchange.record.fault = .client
        case .upstreamLost:
            exchange.record.outcome = .truncated
            exchange.record.fault = .upstream
            countFailure(exchange)
        case .cut:
            exchange.record.outcome = .cut
            exchange.record.fault = .gateway
        }
        guard let client = exchange.client else { return }
        let isChunked = exchange.responseOutput == .chunked || exchange.responseOutput == .rechunked
        let wholeRequest = exchange.requestBody.hasEnded
        let endsWhole = exchange.endsWhole
        conclude(exchange)
        guard !endsWhole else { return endExchange(client, wholeRequest ? .close : .linger) }
        abortClient(client, byReset: !isChunked)
    }

    /// How long an upstream may take for its end after the client has left with its last event.
    private static let drainLimit: UInt64 = 1_000_000_000

    private func startDraining(_ exchange: RunningExchange) {
        guard let client = exchange.client, let upstream = exchange.upstream else { return }
        exchange.client = nil
        client.exchange = nil
        closeClient(client)
        timers.set(upstream, now + Worker.drainLimit)
        guard exchange.responseBody.hasEnded else {
            queueAgain(upstream)
            return
        }
        // Not reused: what stood behind the end in the same read was not looked at.
        perform(exchange.machine.responseEnded(upstreamReusable: false, clientReusable: false), exchange)
    }

    private func finishDraining(_ exchange: RunningExchange, _ reuse: Bool) {
        if let upstream = exchange.upstream {
            exchange.upstream = nil
            release(upstream, reuse: reuse)
        }
        conclude(exchange)
    }

    func countFailure(_ exchange: RunningExchange) {
        guard exchange.record.attempts > 0, let serving = exchange.serving else { return }
        let pools = serving.pools
        guard exchange.upstreamIndex < pools.count, exchange.endpoint < pools[exchange.upstreamIndex].count
        else { return }
        pools[exchange.upstreamIndex][exchange.endpoint].state.failureCount.add(1, ordering: .relaxed)
    }

    // MARK: The record

    /// Leaves the record and gives the object back. Nothing may touch the exchange afterwards.
    func conclude(_ exchange: RunningExchange) {
        exchange.record.totalTime = now - exchange.startedAt
        exchange.record.requestBodyBytes = exchange.requestBody.contentBytes
        settle(exchange)
        leaveRecord(exchange)
        closeAccount(exchange)
        endCourse(exchange)
        dropChat(exchange)
        let figures = exchange.route?.figures ?? exchange.serving?.plan.unrouted
        figures?.note(exchange.record, worker: handle.index)
        if exchange.isEventStream { handle.figures.streamsRunning.subtract(1, ordering: .relaxed) }
        handle.figures.exchangesRunning.subtract(1, ordering: .relaxed)
        releaseBody(exchange)
        leaveGate(exchange)
        if exchange.ticket != 0 { asking[exchange.ticket] = nil }
        exchange.client?.exchange = nil
        giveBack(exchange)
    }
}
