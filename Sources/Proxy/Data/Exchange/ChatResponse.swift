import Glibc

/// What a route with `transform: simple_chat` holds of one answer.
final class ChatResponse {
    var stream = SimpleChatStream()
    /// Of an answer that is no stream: content, until it is whole.
    var content = ByteQueue()
    /// Status of such an answer; 0: it is a stream.
    var status: UInt16 = 0
    var keepsConnection = false
    /// Of `content`, counted in the budget of bodies.
    var budgetedBytes = 0
    /// Whole lines of the upstream's head that go on with an error.
    var headerLines: [UInt8] = []
    var isSettled = false

    func release(blocks: BlockPool) {
        stream.release(to: blocks)
        content.release(to: blocks)
    }
}

/// Answers to the simple chat: a stream is made into another one as it passes; anything else is read whole,
/// so that what cannot be read is a 502 and nothing of it goes out.
extension Worker {
    /// Before the answer's head goes out.
    /// - Returns: true: it does not; what follows goes to `gatherChat`.
    func gathersChat(
        _ exchange: RunningExchange, _ upstream: UpstreamConnection, _ head: ResponseHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard exchange.route?.transform == .simpleChat else { return false }
        let chat = ChatResponse()
        exchange.chat = chat
        if head.isEventStream, (200..<300).contains(head.status) { return false }
        chat.status = head.status
        if head.status >= 400 { chat.headerLines = hints(head, UnsafeRawBufferPointer(bytes)) }
        chat.keepsConnection = head.keepsAlive
        exchange.responseBody = BodyReader(head.framing)
        exchange.record.firstByteTime = now - exchange.sentAt
        upstream.pool.state.exchangeCount.add(1, ordering: .relaxed)
        prepareTap(exchange, head, UnsafeRawBufferPointer(bytes))
        gatherChat(exchange, chat, upstream, .init(rebasing: bytes[head.byteCount...]))
        return true
    }

    /// What of this attempt's answer was read.
    func dropChat(_ exchange: RunningExchange) {
        guard let chat = exchange.chat else { return }
        exchange.chat = nil
        chat.release(blocks: blocks)
        handle.bodies.giveBack(chat.budgetedBytes)
    }

    /// When to come again: fields that SDKs go by.
    private func hints(_ head: ResponseHead, _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var lines: [UInt8] = []
        for index in 0..<head.fieldCount {
            let line = fields.lines[index]
            let name = line.name.bytes(of: bytes)
            guard RetryAfter.isHint(name) else { continue }
            lines += Array(name) + Array(": ".utf8) + Array(line.value.bytes(of: bytes)) + [Byte.cr, Byte.lf]
        }
        return lines
    }

    // MARK: Whole answers

    func gatherChat(
        _ exchange: RunningExchange, _ chat: ChatResponse, _ upstream: UpstreamConnection,
        _ bytes: UnsafeMutableRawBufferPointer
    ) {
        let step = exchange.responseBody.advance(bytes, .content)
        guard step.verdict != .invalid else { return chatUnreadable(exchange, .upstreamBadResponse) }
        guard chat.content.count + step.piece.count <= SimpleChatAnswer.bodyMax else {
            return chatUnreadable(exchange, .chatUnreadable)
        }
        guard handle.bodies.take(step.piece.count) else {
            return perform(exchange.machine.turnedAway(again: false, reply: .tooManyBodies), exchange)
        }
        chat.budgetedBytes += step.piece.count
        chat.content.append(step.piece, from: blocks)
        if let account = exchange.account, account.taps { account.tap.scan(step.piece) }
        switch step.verdict {
        case .more, .invalid: rearm(upstream, exchange)
        // Trailer fields of an answer that is written anew say nothing: the connection is not used again.
        case .trailers: chatGathered(exchange, chat, reuse: false)
        case .ended:
            chatGathered(exchange, chat, reuse: chat.keepsConnection && step.consumed == bytes.count)
        }
    }

    /// The upstream has closed.
    /// - Returns: true: that was the end of an answer that is gathered.
    func chatEnded(_ exchange: RunningExchange) -> Bool {
        guard let chat = exchange.chat, chat.status != 0, exchange.responseBody.isUntilClose else {
            return false
        }
        chatGathered(exchange, chat, reuse: false)
        return true
    }

    private func chatUnreadable(_ exchange: RunningExchange, _ reply: LocalReply) {
        noteFailure(exchange)
        perform(exchange.machine.turnedAway(again: false, reply: reply), exchange)
    }

    private func chatGathered(_ exchange: RunningExchange, _ chat: ChatResponse, reuse: Bool) {
        if let account = exchange.account, account.taps { account.tap.finish() }
        let content = UnsafeRawBufferPointer(chat.content.bytes)
        var text = ByteQueue()
        defer { text.release(to: blocks) }
        if chat.status >= 400 {
            writeChatError(content, exchange, &text)
        } else if !SimpleChatAnswer.write(content, to: &text, blocks: blocks) {
            return chatUnreadable(exchange, .chatUnreadable)
        }
        let hasSentRequest = exchange.machine.hasSentRequest
        exchange.machine.gathered()
        if let upstream = exchange.upstream {
            exchange.upstream = nil
            release(upstream, reuse: reuse && hasSentRequest)
        }
        answer(
            exchange,
            ActionReply(status: chat.status, headerLines: chat.headerLines, body: Array(text.bytes)),
            fault: chat.status >= 400)
    }

    /// What the upstream says of it, in the route's shape; nothing else of its answer.
    private func writeChatError(
        _ content: UnsafeRawBufferPointer, _ exchange: RunningExchange, _ text: inout ByteQueue
    ) {
        let isDetail = exchange.route?.errors == .detail
        text.append(isDetail ? "{\"detail\":" : "{\"error\":{\"message\":", from: blocks)
        if let message = SimpleChatError.message(of: content), !tellsKey(message, exchange) {
            text.append(message, from: blocks)
        } else {
            text.append("\"The upstream refused the request.\"", from: blocks)
        }
        text.append(
            isDetail
                ? "}" : ",\"type\":\"upstream_error\",\"param\":null,\"code\":\"upstream_error\"}}",
            from: blocks)
    }

    /// Some upstreams quote the key that they do not take.
    private func tellsKey(_ text: UnsafeRawBufferPointer, _ exchange: RunningExchange) -> Bool {
        exchange.course?.credential?.stands(in: text) ?? false
    }

    // MARK: Streams

    func passChatBody(
        _ exchange: RunningExchange, _ chat: ChatResponse, _ upstream: UpstreamConnection,
        _ bytes: UnsafeMutableRawBufferPointer, after writer: inout ByteWriter
    ) {
        let step = exchange.responseBody.advance(bytes, bytes.count == 0 ? .nothing : .content)
        if let account = exchange.account, account.taps {
            account.tap.scan(step.piece)
            noteProgress(exchange, account)
        }
        var text = ByteQueue()
        defer { text.release(to: blocks) }
        let isOver = step.verdict == .ended || step.verdict == .trailers
        var progress = chat.stream.take(step.piece, into: &text, blocks: blocks)
        if isOver { progress = chat.stream.finish(into: &text, blocks: blocks) }
        if isOver, progress == .done { settleChat(exchange, chat) }
        if chat.stream.sawError, tellsKey(UnsafeRawBufferPointer(text.bytes), exchange) {
            text.release(to: blocks)
            text.append(
                "data: {\"error\": {\"message\":\"The upstream refused the request.\"}}\n\n", from: blocks)
        }
        // Trailers, where there are any, bring the last chunk themselves.
        let isLast = step.verdict == .ended && progress == .done
        guard
            putChat(
                UnsafeRawBufferPointer(text.bytes), isLast: isLast, exchange, &writer)
        else { return }
        // A stream that is cut short, or none, must not look whole.
        guard progress != .failed, !isOver || progress == .done else {
            guard sayBrokenOff(exchange, .upstreamBrokeOff) else { return }
            return perform(
                exchange.machine.upstreamLost(again: false, freshOnly: false, reply: .upstreamBadResponse),
                exchange)
        }
        if !isOver, cutWhereDue(exchange) { return }
        bodyPassed(exchange, upstream, step, UnsafeRawBufferPointer(bytes))
    }

    /// The upstream has closed, and that is the end of the stream.
    /// - Returns: false if the exchange has ended otherwise.
    func passLastOfChat(_ exchange: RunningExchange) -> Bool {
        guard let chat = exchange.chat else { return true }
        var text = ByteQueue()
        defer { text.release(to: blocks) }
        let progress = chat.stream.finish(into: &text, blocks: blocks)
        var writer = ByteWriter(writeBuffer)
        guard putChat(UnsafeRawBufferPointer(text.bytes), isLast: false, exchange, &writer) else {
            return false
        }
        guard progress == .done else {
            guard sayBrokenOff(exchange, .upstreamBrokeOff) else { return false }
            perform(
                exchange.machine.upstreamLost(again: false, freshOnly: false, reply: .upstreamClosed),
                exchange)
            return false
        }
        settleChat(exchange, chat)
        return true
    }

    private func settleChat(_ exchange: RunningExchange, _ chat: ChatResponse) {
        guard let account = exchange.account, !chat.isSettled else { return }
        chat.isSettled = true
        if account.taps { account.tap.finish() }
        settleReservation(exchange, account)
    }

    /// - Returns: false if the client is gone, and with it the exchange.
    private func putChat(
        _ text: UnsafeRawBufferPointer, isLast: Bool, _ exchange: RunningExchange, _ writer: inout ByteWriter
    ) -> Bool {
        guard let client = exchange.client else { return true }
        exchange.tail.scan(text)
        let start = writer.count
        guard exchange.responseOutput.isChunked else {
            exchange.record.responseBodyBytes += UInt64(text.count)
            return deliver(exchange, client, &writer, text)
        }
        if text.count <= Worker.copyMax {
            writer.put(chunk: text)
        } else if text.count > 0 {
            writer.put(hexadecimal: UInt64(text.count))
            writer.put("\r\n")
            guard deliver(exchange, client, &writer, text) else { return false }
            writer.put("\r\n")
        }
        if isLast { writer.put("0\r\n\r\n") }
        exchange.record.responseBodyBytes += UInt64(text.count + max(0, writer.count - start))
        return deliver(exchange, client, &writer, UnsafeRawBufferPointer(start: nil, count: 0))
    }
}
