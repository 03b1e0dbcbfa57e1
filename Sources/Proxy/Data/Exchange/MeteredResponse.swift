import CLinux

/// Answers that are read as they pass, for what they say was used. Their bytes are not changed, but for one
/// chunk that the client did not ask for; chunked ones are framed anew, because what is read is content.
extension Worker {
    /// Whether this answer's body says what was used, and in which form.
    func prepareTap(
        _ exchange: RunningExchange, _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer
    ) {
        guard let account = exchange.account, account.isMetered, (200..<300).contains(head.status) else {
            exchange.account?.hidesUsage = false
            exchange.account?.taps = false
            return
        }
        var isJSON = false
        var isPlain = true
        for index in 0..<head.fieldCount {
            let line = fields.lines[index]
            switch line.known {
            case .contentType: isJSON = MediaType.isJSON(line.value.bytes(of: bytes))
            case .contentEncoding:
                // Several lines are one list.
                isPlain = isPlain && asciiCaseInsensitiveEqual(line.value.bytes(of: bytes), "identity")
            default: continue  // Why not listed: no other field says how to read a body.
            }
        }
        account.taps = isPlain && (head.isEventStream || isJSON)
        account.tap = UsageTap(isEventStream: head.isEventStream)
        account.hidesUsage = account.hidesUsage && account.taps && head.isEventStream
    }

    /// - Parameter writer: the head, where it has not gone out yet.
    func passMeteredBody(
        _ exchange: RunningExchange, _ account: UsageAccount, _ upstream: UpstreamConnection,
        _ bytes: UnsafeMutableRawBufferPointer, after writer: inout ByteWriter
    ) {
        let step = exchange.responseBody.advance(bytes, bytes.count == 0 ? .nothing : .content)
        let isOver = step.verdict == .ended || step.verdict == .trailers
        guard passMetered(exchange, account, step, isOver: isOver, &writer) else { return }
        if !isOver, cutWhereDue(exchange) { return }
        bodyPassed(exchange, upstream, step, UnsafeRawBufferPointer(bytes))
    }

    /// - Returns: false if the client is gone, and with it the exchange.
    private func passMetered(
        _ exchange: RunningExchange, _ account: UsageAccount, _ step: BodyReader.Step, isOver: Bool,
        _ writer: inout ByteWriter
    ) -> Bool {
        if exchange.isEventStream { exchange.tail.scan(step.piece) }
        guard account.hidesUsage else {
            account.tap.scan(step.piece)
            if isOver { account.tap.finish() }
            noteProgress(exchange, account)
            if isOver { settleReservation(exchange, account) }
            return putEnd(step.piece, exchange, &writer, step.verdict)
        }
        let passing = account.filter.take(
            UnsafeMutableRawBufferPointer(mutating: step.piece), through: &account.tap, blocks: blocks)
        noteProgress(exchange, account)
        guard passing.first.isEmpty || put(passing.first, exchange, &writer, mayWait: false) else {
            return false
        }
        guard isOver else { return putEnd(passing.second, exchange, &writer, step.verdict) }
        account.tap.finish()
        settleReservation(exchange, account)
        return put(passing.second, exchange, &writer, mayWait: false)
            && putEnd(account.filter.finish(blocks: blocks), exchange, &writer, step.verdict)
    }

    /// A piece of content, and the end of the chunked coding where this is it.
    private func putEnd(
        _ piece: UnsafeRawBufferPointer, _ exchange: RunningExchange, _ writer: inout ByteWriter,
        _ verdict: BodyReader.Verdict
    ) -> Bool {
        guard verdict == .ended, exchange.responseOutput.isChunked else {
            let mayWait = exchange.isEventStream && verdict == .more && writer.count == 0
            return put(piece, exchange, &writer, mayWait: mayWait)
        }
        guard let client = exchange.client else { return true }
        let isSmall = piece.count <= Worker.copyMax
        guard isSmall || put(piece, exchange, &writer, mayWait: false) else { return false }
        let start = writer.count
        if isSmall { writer.put(chunk: piece) }
        writer.put("0\r\n\r\n")
        exchange.record.responseBodyBytes += UInt64(writer.count - start)
        return deliver(exchange, client, &writer)
    }

    /// - Parameter mayWait: it may go out with the end of the turn.
    private func put(
        _ piece: UnsafeRawBufferPointer, _ exchange: RunningExchange, _ writer: inout ByteWriter,
        mayWait: Bool
    ) -> Bool {
        guard let client = exchange.client else { return true }
        guard exchange.responseOutput.isChunked else {
            exchange.record.responseBodyBytes += UInt64(piece.count)
            return mayWait && stage(client, piece) || deliver(exchange, client, &writer, piece)
        }
        guard piece.count > Worker.copyMax else {
            let start = writer.count
            writer.put(chunk: piece)
            exchange.record.responseBodyBytes += UInt64(writer.count - start)
            guard mayWait, stage(client, writer.bytes) else { return deliver(exchange, client, &writer) }
            writer.removeAll()
            return true
        }
        let framed = BodyReader.frame(UnsafeMutableRawBufferPointer(mutating: piece))
        exchange.record.responseBodyBytes += UInt64(framed.count)
        return deliver(exchange, client, &writer, framed)
    }

    private func deliver(
        _ exchange: RunningExchange, _ client: ClientConnection, _ writer: inout ByteWriter
    ) -> Bool {
        deliver(exchange, client, &writer, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// The upstream has closed, and that is the end of the body.
    /// - Returns: false if the client is gone, and with it the exchange.
    func passLastOfMetered(_ exchange: RunningExchange) -> Bool {
        guard let account = exchange.account, account.taps else { return true }
        account.tap.finish()
        guard account.hidesUsage else { return true }
        var writer = ByteWriter(writeBuffer)
        return put(account.filter.finish(blocks: blocks), exchange, &writer, mayWait: false)
    }

    // MARK: More than was reserved

    /// Output tokens that are reserved at a time, once the first reservation is used up.
    private static let grantStep: UInt64 = 64

    /// The reservation grows with what has come; where the limit has no more, the stream may have to end.
    func noteProgress(_ exchange: RunningExchange, _ account: UsageAccount) {
        let seen = account.tap.outputTokensSeen
        // A plain answer is whole before anything could be done about it.
        guard exchange.isEventStream, seen > account.outputTokensGranted, account.reservation.isHeld,
            !account.mustCut
        else { return }
        guard grow(exchange, account, to: seen + Worker.grantStep) != nil,
            let usedUp = grow(exchange, account, to: seen)
        else { return }
        account.mustCut = true
        account.cuttingEntry = usedUp
    }

    /// - Returns: the entry that has no room.
    private func grow(_ exchange: RunningExchange, _ account: UsageAccount, to outputTokens: UInt64) -> Int? {
        let charge = account.charge(input: account.inputTokensEstimate, cached: 0, output: outputTokens)
        account.outputTokensGranted = outputTokens
        return handle.ledger.grow(
            account.reservation, to: charge, force: false, at: limitTime())
    }

    /// `on_exceed: cut`: between two events, says so in the stream and ends it so that nobody takes it for
    /// whole. What a slow client has not taken yet goes first: ending forgets it.
    /// - Returns: true if nothing more of the answer goes on now.
    func cutWhereDue(_ exchange: RunningExchange) -> Bool {
        guard let account = exchange.account, account.mustCut, isBetweenEvents(exchange, account),
            !exchange.responseBody.hasEnded, !exchange.responseBody.isInTrailers,
            let client = exchange.client, let upstream = exchange.upstream
        else { return false }
        var writer = ByteWriter(writeBuffer)
        guard deliver(exchange, client, &writer) else { return true }
        if client.output.isEmpty, !account.saidCut {
            account.saidCut = true
            guard sayCut(exchange, account, &writer) else { return true }
        }
        guard client.output.isEmpty else {
            rearm(upstream, exchange)
            return true
        }
        perform(exchange.machine.cut(), exchange)
        return true
    }

    /// Another event may follow what has gone on.
    private func isBetweenEvents(_ exchange: RunningExchange, _ account: UsageAccount) -> Bool {
        guard let chat = exchange.chat else { return account.isAtEventBoundary }
        // What goes out there are whole events.
        return chat.stream.progress == .open
    }

    /// - Returns: false if the client is gone, and with it the exchange.
    private func sayCut(
        _ exchange: RunningExchange, _ account: UsageAccount, _ writer: inout ByteWriter
    ) -> Bool {
        let refusal = RateRefusal(
            usedUp: account.cuttingEntry, of: account.reservation, realtime: headgate_realtime_ns())
        exchange.replyCode = refusal.reply.properties.code
        // Of a known length, one octet more could be taken for the next answer, and the length reached.
        guard exchange.responseOutput.isChunked || exchange.responseBody.remaining == nil else { return true }
        var event = ByteWriter(pathScratch)
        refusal.writeEvent(&event)
        return put(event.bytes, exchange, &writer, mayWait: false)
    }
}

/// Media types as far as it matters here (RFC 9110 §8.3.1).
enum MediaType {
    /// `application/json`, or another that ends in `+json`, parameters or not.
    static func isJSON(_ value: UnsafeRawBufferPointer) -> Bool {
        if value.count >= 16, isPlainJSON(value.baseAddress!) {
            return value.count == 16 || value[16] == UInt8(ascii: ";") || isOptionalWhitespace(value[16])
        }
        var end = 0
        while end < value.count, value[end] != UInt8(ascii: ";") { end += 1 }
        while end > 0, isOptionalWhitespace(value[end - 1]) { end -= 1 }
        return end > 5
            && asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(rebasing: value[(end - 5)..<end]), "+json")
    }

    /// Sixteen bytes are `application/json`, in any case. What sets bit 5 besides letters is set there
    /// anyway, or a control character, which no field value has.
    private static func isPlainJSON(_ base: UnsafeRawPointer) -> Bool {
        let caseBits: UInt64 = 0x2020_2020_2020_2020
        let first = UInt64(littleEndian: base.loadUnaligned(as: UInt64.self)) | caseBits
        let second =
            UInt64(littleEndian: base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) | caseBits
        return first == 0x7461_6369_6C70_7061 && second == 0x6E6F_736A_2F6E_6F69
    }
}

extension ByteWriter {
    /// One chunk of the chunked transfer coding (RFC 9112 §7.1); nothing for no bytes, which would be its
    /// end.
    mutating func put(chunk bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        put(hexadecimal: UInt64(bytes.count))
        put("\r\n")
        put(bytes)
        put("\r\n")
    }
}
