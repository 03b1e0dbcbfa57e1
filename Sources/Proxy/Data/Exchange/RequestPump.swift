import CLinux
import Glibc

/// The request's way to the upstream: head, body as it comes, trailers; paused while the upstream does not
/// take it.
extension Worker {
    /// There is a connection: sends what is held. The request is parsed again, because the endpoint decides
    /// its host and path and the head's offsets are long gone; this happens on new connections only.
    func resumeWithHeldRequest(_ exchange: RunningExchange, _ upstream: UpstreamConnection) {
        guard let client = exchange.client else { return }
        let (head, bytes) = parseHeld(exchange)
        forward(exchange, client, upstream, head, bytes)
    }

    /// The held request, in the read buffer and parsed again.
    func parseHeld(_ exchange: RunningExchange) -> (RequestHead, UnsafeMutableRawBufferPointer) {
        let count = exchange.held.count
        memcpy(readBase, exchange.held.bytes.baseAddress!, count)
        let bytes = UnsafeMutableRawBufferPointer(start: readBase, count: count)
        let limits = HeadLimits(maxBytes: count + 1, maxFields: FieldTable.capacity)
        do throws(HeadError) {
            guard
                let head = try HeadParser.parseRequest(
                    UnsafeRawBufferPointer(bytes), limits: limits, fields: fields)
            else {
                fatalError("a head that was complete is not any more")
            }
            return (head, bytes)
        } catch {
            fatalError("a head that was valid is not any more: \(error)")
        }
    }

    /// Writes the head for this endpoint and whatever of the body is at hand.
    /// - Parameter bytes: the request from its head on, in the read buffer.
    func forward(
        _ exchange: RunningExchange, _ client: ClientConnection, _ upstream: UpstreamConnection,
        _ head: RequestHead, _ bytes: UnsafeMutableRawBufferPointer
    ) {
        guard !exchange.isInspected else {
            forwardInspected(exchange, client, upstream, head, bytes)
            return
        }
        let hasBody = head.framing != .none && head.framing != .length(0)
        _ = exchange.machine.connected()
        exchange.record.reusedUpstream = upstream.isReused
        var writer = ByteWriter(writeBuffer)
        writeRequestHead(&writer, exchange, client, head, UnsafeRawBufferPointer(bytes))
        guard !writer.overflowed else {
            perform(exchange.machine.requestRefused(.headTooLarge), exchange)
            return
        }
        // The head alone: what stands behind it is the next request's, and goes to `input` once.
        exchange.held.release(to: blocks)
        let mayBeStale = upstream.isReused && exchange.method.isIdempotent
        if !hasBody, mayBeStale || mayRepeat(exchange) { holdHead(exchange, head, bytes) }
        exchange.sentAt = now
        exchange.requestBody = BodyReader(head.framing)
        let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[head.byteCount...])
        passRequestBody(exchange, client, upstream, rest, after: &writer)
    }

    private func holdHead(
        _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeMutableRawBufferPointer
    ) {
        hold(
            exchange, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<head.byteCount]), head
        )
    }

    /// The body was read whole: head and body go out at once, the transfer coding replaced by a length.
    private func forwardInspected(
        _ exchange: RunningExchange, _ client: ClientConnection, _ upstream: UpstreamConnection,
        _ head: RequestHead, _ bytes: UnsafeMutableRawBufferPointer
    ) {
        _ = exchange.machine.connected()
        exchange.record.reusedUpstream = upstream.isReused
        exchange.held.release(to: blocks)
        if exchange.keepsBody { holdHead(exchange, head, bytes) }
        let edits = edits(exchange, of: UnsafeRawBufferPointer(exchange.body.bytes))
        var head = head
        head.framing = .length(UInt64(exchange.body.count + edits.growth))
        var writer = ByteWriter(writeBuffer)
        writeRequestHead(&writer, exchange, client, head, UnsafeRawBufferPointer(bytes))
        guard !writer.overflowed else {
            perform(exchange.machine.requestRefused(.headTooLarge), exchange)
            return
        }
        exchange.sentAt = now
        guard send(upstream, writer.bytes), sendBody(exchange, upstream, edits) else {
            upstreamWriteFailed(exchange)
            return
        }
        requestEnded(exchange, client, UnsafeRawBufferPointer(start: nil, count: 0))
        rearm(upstream, exchange)
    }

    /// The body becomes what the connection has to send: it is there once, and counts until it has left. One
    /// that is kept is copied.
    private func sendBody(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ edits: BodyEdits
    ) -> Bool {
        if !exchange.keepsBody, edits.isEmpty, upstream.output.isEmpty {
            swap(&upstream.output, &exchange.body)
        } else {
            edits.write(
                UnsafeRawBufferPointer(exchange.body.bytes), into: &upstream.output, from: blocks)
            if exchange.keepsBody {
                // It is there twice until it has left.
                let count = exchange.body.count
                if handle.bodies.take(count) { upstream.budgetedBytes += count }
                return flushUpstream(upstream)
            }
            exchange.body.release(to: blocks)
        }
        upstream.budgetedBytes = exchange.budgetedBytes
        exchange.budgetedBytes = 0
        return flushUpstream(upstream)
    }

    /// Keeps the request for an upstream that is not there yet, or for a second try.
    func hold(_ exchange: RunningExchange, _ bytes: UnsafeRawBufferPointer, _ head: RequestHead) {
        exchange.held.append(bytes, from: blocks)
        exchange.heldHeadBytes = head.byteCount
    }

    /// More of a request body has come, or the upstream takes more.
    func pumpRequest(_ exchange: RunningExchange) {
        guard let client = exchange.client, let upstream = exchange.upstream, upstream.phase == .active else {
            return
        }
        var reads = 0
        while !exchange.requestBody.hasEnded, upstream.output.isEmpty, client.isReadable,
            upstream.exchange === exchange
        {
            guard reads < Worker.readsPerTurn else {
                queueAgain(client)
                return
            }
            reads += 1
            let held = client.input.count
            if held > 0 { memcpy(readBase, client.input.bytes.baseAddress!, held) }
            switch Socket.read(client.descriptor, into: .init(start: readBase + held, count: Worker.readMax))
            {
            case .moved(let count, let more):
                client.isReadable = more || client.hasEnded
                client.input.release(to: blocks)
                var nothing = ByteWriter(writeBuffer)
                passRequestBody(
                    exchange, client, upstream, .init(start: readBase, count: held + count), after: &nothing)
            case .wouldBlock: client.isReadable = false
            case .ended:
                // Half-closed, or gone, in the middle of its body.
                client.hasEnded = true
                client.isReadable = false
                perform(exchange.machine.clientLeft(sawLastEvent: false), exchange)
                return
            case .failed:
                client.isBroken = true
                perform(exchange.machine.clientLeft(sawLastEvent: exchange.tail.sawDone), exchange)
                return
            }
        }
    }

    /// Sends what `writer` holds and the body bytes behind it. What follows the body is the next request's.
    private func passRequestBody(
        _ exchange: RunningExchange, _ client: ClientConnection, _ upstream: UpstreamConnection,
        _ bytes: UnsafeMutableRawBufferPointer, after writer: inout ByteWriter
    ) {
        let isChunked = exchange.requestBody.remaining == nil
        let step = exchange.requestBody.advance(bytes, isChunked ? .chunked : .verbatim)
        let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[step.consumed...])
        guard step.verdict != .invalid else {
            perform(exchange.machine.requestRefused(.bodyInvalid), exchange)
            return
        }
        guard exchange.requestBody.contentBytes <= exchange.bodyLimit else {
            // Read on from here: the end of the body, and the next request, may be at hand.
            client.input.append(rest, from: blocks)
            perform(exchange.machine.requestRefused(.bodyTooLarge), exchange)
            return
        }
        let isSent: Bool
        if step.piece.count <= Worker.copyMax || writer.count == 0 {
            if writer.count > 0 {
                writer.put(step.piece)
                isSent = send(upstream, writer.bytes)
            } else {
                isSent = send(upstream, step.piece)
            }
        } else {
            isSent = send(upstream, writer.bytes) && send(upstream, step.piece)
        }
        guard isSent else {
            upstreamWriteFailed(exchange)
            return
        }
        switch step.verdict {
        case .ended: requestEnded(exchange, client, rest)
        case .trailers: passTrailers(exchange, client, upstream, rest)
        case .more, .invalid: break
        }
        guard upstream.exchange === exchange else { return }
        rearm(upstream, exchange)
        if !exchange.requestBody.hasEnded {
            // A reader that stalls has its clock already, and sending does not make it a better reader.
            if client.output.isEmpty { rearm(client) }
            if client.isReadable { queueAgain(client) }
        }
    }

    /// A body up to this size is copied behind its head, so that both go out in one call and one segment.
    static let copyMax = 16 * 1024

    private func requestEnded(
        _ exchange: RunningExchange, _ client: ClientConnection, _ rest: UnsafeRawBufferPointer
    ) {
        client.input.append(rest, from: blocks)
        exchange.sentAt = now
        perform(exchange.machine.requestEnded(), exchange)
        rearm(client)
    }

    /// A trailer section with fields in it, or not all of one yet: kept in `input` until it is whole.
    private func passTrailers(
        _ exchange: RunningExchange, _ client: ClientConnection, _ upstream: UpstreamConnection,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let limits = exchange.serving!.plan.listeners[exchange.listenerIndex].headLimits
        switch writeTrailers(bytes, limits) {
        case .incomplete: client.input.append(bytes, from: blocks)
        case .invalid: perform(exchange.machine.requestRefused(.bodyInvalid), exchange)
        case .written(let consumed, let section):
            exchange.requestBody.endTrailers()
            guard send(upstream, section) else {
                upstreamWriteFailed(exchange)
                return
            }
            requestEnded(exchange, client, UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
        }
    }

    enum TrailerOutcome {
        case incomplete
        case invalid
        case written(consumed: Int, UnsafeRawBufferPointer)
    }

    /// Parses a trailer section and writes the last chunk with the fields that may go on (RFC 9110 §6.5).
    func writeTrailers(_ bytes: UnsafeRawBufferPointer, _ limits: HeadLimits) -> TrailerOutcome {
        do throws(HeadError) {
            guard let section = try HeadParser.parseTrailers(bytes, limits: limits, fields: fields) else {
                return .incomplete
            }
            var writer = ByteWriter(writeBuffer)
            writer.put("0\r\n")
            for index in 0..<section.fieldCount where !fields.lines[index].isHopByHop {
                writer.put(line: fields.lines[index], of: bytes)
            }
            writer.put("\r\n")
            return writer.overflowed ? .invalid : .written(consumed: section.byteCount, writer.bytes)
        } catch {
            return .invalid
        }
    }

    /// The upstream does not take the request. It may have answered before it closed: that answer counts.
    func upstreamWriteFailed(_ exchange: RunningExchange) {
        guard let upstream = exchange.upstream else { return }
        releaseOutput(upstream)
        upstream.isBroken = true
        upstream.isReadable = true
        queueAgain(upstream)
    }

    /// The exchange waits for its client to send more, and not for an upstream to take it.
    func awaitsRequestBody(_ exchange: RunningExchange) -> Bool {
        if exchange.machine.isCollecting { return true }
        guard !exchange.requestBody.hasEnded, let upstream = exchange.upstream else { return false }
        return upstream.phase == .active && upstream.output.isEmpty
    }
}
