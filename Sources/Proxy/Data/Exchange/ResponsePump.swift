import CLinux
import Glibc

/// The answer's way to the client: each piece goes out when it comes in; paused while the client does not
/// take it.
extension Worker {
    func pumpResponse(_ exchange: RunningExchange, _ upstream: UpstreamConnection) {
        var reads = 0
        while upstream.isReadable, upstream.exchange === exchange, upstream.phase == .active {
            if let client = exchange.client, !client.output.isEmpty {
                rearm(upstream, exchange)
                return
            }
            guard reads < Worker.readsPerTurn else {
                queueAgain(upstream)
                return
            }
            reads += 1
            let held = upstream.input.count
            if held > 0 { memcpy(readBase, upstream.input.bytes.baseAddress!, held) }
            switch read(
                upstream, into: UnsafeMutableRawBufferPointer(start: readBase + held, count: Worker.readMax))
            {
            case .moved(let count, let more):
                upstream.isReadable = more || upstream.hasEnded || upstream.isBroken
                takeResponse(exchange, upstream, held + count)
            case .wouldBlock: upstream.isReadable = false
            case .ended:
                upstream.hasEnded = true
                upstream.isReadable = false
                upstreamEnded(exchange, upstream)
                return
            case .failed:
                upstream.isBroken = true
                upstreamLost(exchange, upstream, .upstreamClosed)
                return
            }
        }
    }

    /// The client's queue is empty again: what was paused for it goes on.
    func clientDrained(_ exchange: RunningExchange) {
        guard let upstream = exchange.upstream, upstream.phase == .active else { return }
        if cutWhereDue(exchange) { return }
        rearm(upstream, exchange)
        pumpResponse(exchange, upstream)
    }

    // MARK: Ends

    /// A clean end is the end of a close-delimited body, and anything else cut short.
    private func upstreamEnded(_ exchange: RunningExchange, _ upstream: UpstreamConnection) {
        if chatEnded(exchange) { return }
        guard exchange.isCommitted, exchange.responseBody.isUntilClose else {
            upstreamLost(exchange, upstream, .upstreamClosed)
            return
        }
        guard exchange.chat == nil ? passLastOfMetered(exchange) : passLastOfChat(exchange) else { return }
        if let client = exchange.client {
            let last: StaticString = exchange.responseOutput == .rechunked ? "0\r\n\r\n" : ""
            exchange.record.responseBodyBytes += UInt64(last.utf8CodeUnitCount)
            // Also where that is nothing: events may wait for the end of the turn, and the end comes first.
            _ = deliver(
                exchange, client,
                UnsafeRawBufferPointer(start: last.utf8Start, count: last.utf8CodeUnitCount))
        }
        guard upstream.exchange === exchange else { return }
        perform(
            exchange.machine.responseEnded(
                upstreamReusable: false, clientReusable: exchange.clientKeepsAlive), exchange)
    }

    private func upstreamLost(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ reply: LocalReply
    ) {
        guard !exchange.isCommitted else {
            guard sayBrokenOff(exchange, .upstreamBrokeOff) else { return }
            return perform(
                exchange.machine.upstreamLost(again: false, freshOnly: false, reply: reply), exchange)
        }
        if isStale(exchange, upstream, reply) {
            endAttempt(exchange, .stale)
            return perform(
                exchange.machine.upstreamLost(again: true, freshOnly: true, reply: reply), exchange)
        }
        // A pooled connection that ends without a word says nothing of the endpoint.
        if !(upstream.isReused && upstream.input.isEmpty && reply == .upstreamClosed) {
            noteFailure(exchange)
        }
        let again = triesAgain(exchange, after: .lost)
        perform(exchange.machine.upstreamLost(again: again, freshOnly: false, reply: reply), exchange)
    }

    /// A pooled connection that had ended before the request came to it: that is no failure of the upstream,
    /// and a request that may be acted on twice goes out on a new one (RFC 9112 §9.3.1).
    private func isStale(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ reply: LocalReply
    ) -> Bool {
        upstream.isReused && upstream.input.isEmpty && !exchange.sawInterim && exchange.chat == nil
            && reply == .upstreamClosed && exchange.method.isIdempotent && isRepeatable(exchange)
    }

    // MARK: Head

    private static let responseHeadLimits = HeadLimits(maxBytes: 64 * 1024, maxFields: FieldTable.capacity)

    /// - Parameter count: bytes at the front of the read buffer, those from `upstream.input` included.
    private func takeResponse(_ exchange: RunningExchange, _ upstream: UpstreamConnection, _ count: Int) {
        let bytes = UnsafeMutableRawBufferPointer(start: readBase, count: count)
        guard !exchange.isCommitted else {
            upstream.input.release(to: blocks)
            var nothing = ByteWriter(writeBuffer)
            passResponseBody(exchange, upstream, bytes, after: &nothing)
            return
        }
        if let chat = exchange.chat, chat.status != 0 {
            upstream.input.release(to: blocks)
            return gatherChat(exchange, chat, upstream, bytes)
        }
        var at = 0
        while true {
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[at...])
            guard let head = parseResponse(exchange, upstream, rest) else { return }
            guard head.status < 200 else {
                upstream.input.release(to: blocks)
                relay(exchange, upstream, head, rest)
                return
            }
            guard relayInterim(exchange, upstream, head, rest) else { return }
            at += head.byteCount
            if at == count {
                upstream.input.release(to: blocks)
                return
            }
        }
    }

    /// - Returns: nil if there is nothing to go on with: incomplete (and kept), or refused.
    private func parseResponse(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ bytes: UnsafeMutableRawBufferPointer
    ) -> ResponseHead? {
        do throws(HeadError) {
            let head = try HeadParser.parseResponse(
                UnsafeRawBufferPointer(bytes), toHead: exchange.method == .head,
                limits: Worker.responseHeadLimits,
                fields: fields)
            if head == nil {
                upstream.input.release(to: blocks)
                upstream.input.append(UnsafeRawBufferPointer(bytes), from: blocks)
            }
            return head
        } catch {
            upstreamLost(exchange, upstream, .upstreamBadResponse)
            return nil
        }
    }

    /// 1xx: passed on to those who understand them. 100 was given by us already; 101 was not asked for (RFC
    /// 9110 §15.2).
    private func relayInterim(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ head: ResponseHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard head.status != 101 else {
            upstreamLost(exchange, upstream, .upstreamBadResponse)
            return false
        }
        guard head.status != 100, exchange.clientVersion == .http11, let client = exchange.client else {
            return true
        }
        exchange.sawInterim = true
        var writer = ByteWriter(writeBuffer)
        writeInterimHead(&writer, head, UnsafeRawBufferPointer(bytes))
        return deliver(exchange, client, writer.bytes)
    }

    private func relay(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ head: ResponseHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) {
        guard let client = exchange.client else { return }
        if turnsAway(exchange, upstream, head, UnsafeRawBufferPointer(bytes)) { return }
        if gathersChat(exchange, upstream, head, bytes) { return }
        _ = exchange.machine.headArrived()
        exchange.isCommitted = true
        exchange.held.release(to: blocks)
        if exchange.keepsBody { releaseBody(exchange) }
        endCourse(exchange)
        exchange.record.status = head.status
        exchange.record.firstByteTime = now - exchange.sentAt
        upstream.pool.state.exchangeCount.add(1, ordering: .relaxed)
        exchange.upstreamKeepsAlive = head.keepsAlive
        exchange.isEventStream = head.isEventStream
        if head.isEventStream { handle.figures.streamsRunning.add(1, ordering: .relaxed) }
        exchange.responseBody = BodyReader(head.framing)
        prepareTap(exchange, head, UnsafeRawBufferPointer(bytes))
        // One chunk of the stream may be taken out, so that a length would be wrong.
        let isChanged = exchange.account?.hidesUsage ?? false || exchange.chat != nil
        let framing = isChanged ? head.framing.withoutLength : head.framing
        exchange.responseOutput = Worker.output(for: framing, to: exchange.clientVersion)
        let isCloseDelimited = framing == .untilClose && exchange.clientVersion == .http10
        let isContentOnly = exchange.responseOutput == .content
        if isCloseDelimited || isContentOnly || !exchange.machine.hasSentRequest || client.isRetired
            || closesConnections
        {
            exchange.clientKeepsAlive = false
        }
        var writer = ByteWriter(writeBuffer)
        writeResponseHead(&writer, exchange, head, UnsafeRawBufferPointer(bytes))
        guard !writer.overflowed else {
            perform(
                exchange.machine.upstreamLost(again: false, freshOnly: false, reply: .upstreamBadResponse),
                exchange)
            return
        }
        let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[head.byteCount...])
        passResponseBody(exchange, upstream, rest, after: &writer)
    }

    private static func output(for framing: BodyFraming, to version: HTTPVersion) -> BodyOutput {
        switch (framing, version) {
        case (.none, _), (.length, _): .verbatim
        case (.chunked, .http11): .chunked
        case (.chunked, .http10): .content
        case (.untilClose, .http11): .rechunked
        case (.untilClose, .http10): .verbatim
        }
    }

    // MARK: Body

    private func passResponseBody(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ bytes: UnsafeMutableRawBufferPointer,
        after writer: inout ByteWriter
    ) {
        if let chat = exchange.chat {
            return passChatBody(exchange, chat, upstream, bytes, after: &writer)
        }
        if let account = exchange.account, account.taps {
            passMeteredBody(exchange, account, upstream, bytes, after: &writer)
            return
        }
        let step = exchange.responseBody.advance(bytes, bytes.count == 0 ? .nothing : exchange.responseOutput)
        if step.verdict == .ended, let account = exchange.account { settleReservation(exchange, account) }
        if let client = exchange.client {
            if exchange.isEventStream { exchange.tail.scan(step.piece) }
            exchange.record.responseBodyBytes += UInt64(step.piece.count)
            let mayWait = exchange.isEventStream && step.verdict == .more && writer.count == 0
            if !(mayWait && stage(client, step.piece)) {
                guard deliver(exchange, client, &writer, step.piece) else { return }
            }
        }
        bodyPassed(exchange, upstream, step, UnsafeRawBufferPointer(bytes))
    }

    /// What a piece of the body has come to, once it has gone on.
    func bodyPassed(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ step: BodyReader.Step,
        _ bytes: UnsafeRawBufferPointer
    ) {
        switch step.verdict {
        case .more: rearm(upstream, exchange)
        case .invalid: upstreamLost(exchange, upstream, .upstreamBadResponse)
        case .trailers:
            passTrailers(exchange, upstream, UnsafeRawBufferPointer(rebasing: bytes[step.consumed...]))
        case .ended: responseEnded(exchange, surplus: bytes.count - step.consumed)
        }
    }

    /// - Parameter surplus: bytes behind the answer; nobody asked for them, so the connection is not reused.
    private func responseEnded(_ exchange: RunningExchange, surplus: Int) {
        let isReusable = exchange.upstreamKeepsAlive && surplus == 0
        perform(
            exchange.machine.responseEnded(
                upstreamReusable: isReusable, clientReusable: exchange.clientKeepsAlive),
            exchange)
    }

    private func passTrailers(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ bytes: UnsafeRawBufferPointer
    ) {
        switch writeTrailers(bytes, Worker.responseHeadLimits) {
        case .incomplete: upstream.input.append(bytes, from: blocks)
        case .invalid: upstreamLost(exchange, upstream, .upstreamBadResponse)
        case .written(let consumed, let section):
            exchange.responseBody.endTrailers()
            if exchange.responseOutput == .chunked, let client = exchange.client {
                exchange.record.responseBodyBytes += UInt64(section.count)
                guard deliver(exchange, client, section) else { return }
            }
            responseEnded(exchange, surplus: bytes.count - consumed)
        }
    }

    // MARK: Delivery

    /// - Returns: false if the client is gone, and with it the exchange.
    func deliver(
        _ exchange: RunningExchange, _ client: ClientConnection, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard send(client, bytes) == .failed else { return true }
        perform(exchange.machine.clientLeft(sawLastEvent: exchange.tail.sawDone), exchange)
        return false
    }

    /// What `writer` holds, and the piece behind it; the writer is empty then.
    func deliver(
        _ exchange: RunningExchange, _ client: ClientConnection, _ writer: inout ByteWriter,
        _ piece: UnsafeRawBufferPointer
    ) -> Bool {
        defer { writer.removeAll() }
        guard writer.count > 0 else { return deliver(exchange, client, piece) }
        if piece.count <= Worker.copyMax {
            writer.put(piece)
            return deliver(exchange, client, writer.bytes)
        }
        guard send(client, writer.bytes, piece) == .failed else { return true }
        perform(exchange.machine.clientLeft(sawLastEvent: false), exchange)
        return false
    }
}
