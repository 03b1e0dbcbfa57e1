import CLinux
import Glibc

/// Answers that headgate writes itself.
extension Worker {
    // MARK: For an exchange

    /// - Parameter allowed: for a 405.
    func answer(
        _ exchange: RunningExchange, _ reply: LocalReply, allowed: MethodSet = MethodSet(bits: 0, others: [])
    ) {
        handle.figures.replies.add(1, to: Int(reply.rawValue), worker: 0)
        let properties = reply.properties
        let shape = exchange.route?.errors ?? .openai
        exchange.replyCode = ErrorBody.code(of: properties, shape)
        exchange.record.fault = properties.fault
        let keepsBody = prepareEnding(exchange, closes: properties.closes)
        let status = properties.isRejection ? exchange.rejectStatus : properties.status(in: shape)
        var body = ByteWriter(pathScratch)
        writeErrorBody(&body, reply, exchange)
        var writer = startAnswer(exchange, status: status)
        writer.put("Content-Type: application/json\r\n")
        if status == 401 { writer.put("WWW-Authenticate: Bearer\r\n") }
        if let refusal = exchange.rateRefusal, refusal.reply == reply { refusal.writeFields(&writer) }
        if properties.retryAfterSeconds > 0 {
            writer.put("Retry-After: ")
            writer.put(decimal: properties.retryAfterSeconds)
            writer.put("\r\n")
        }
        if properties.isFinal { writer.put("x-should-retry: false\r\n") }
        if reply == .methodNotAllowed { writeAllow(&writer, allowed) }
        endAnswer(exchange, &writer, body.bytes, ending: keepsBody)
    }

    func answer(_ exchange: RunningExchange, _ response: FixedResponse) {
        let ending = prepareEnding(exchange, closes: false)
        let edits = exchange.route?.responseHeaders ?? .none
        var writer = startAnswer(exchange, status: response.status, owned: edits.owned)
        if !response.contentType.isEmpty && !edits.owned.contains(.contentType) {
            writer.put("Content-Type: ")
            writer.put(response.contentType)
            writer.put("\r\n")
        }
        for assignment in edits.assignments { writer.put(assignment.line) }
        response.body.withUnsafeBytes {
            endAnswer(exchange, &writer, $0, ending: ending, owned: edits.owned)
        }
    }

    /// What an action answers, or what was made of an upstream's answer.
    /// - Parameter fault: an error is the upstream's.
    func answer(_ exchange: RunningExchange, _ reply: ActionReply, fault isUpstreams: Bool = false) {
        exchange.replyCode = reply.code
        if isUpstreams {
            exchange.record.fault = .upstream
        } else if reply.status >= 400 {
            exchange.record.fault = reply.status >= 500 ? .gateway : .client
        }
        let ending = prepareEnding(exchange, closes: false)
        let edits = exchange.route?.responseHeaders ?? .none
        var writer = startAnswer(exchange, status: reply.status, owned: edits.owned)
        if !edits.owned.contains(.contentType) && !reply.hasContentType {
            writer.put("Content-Type: application/json\r\n")
        }
        writer.put(reply.headerLines)
        for assignment in edits.assignments { writer.put(assignment.line) }
        reply.body.withUnsafeBytes {
            endAnswer(exchange, &writer, $0, ending: ending, owned: edits.owned)
        }
    }

    func answerPreflight(_ exchange: RunningExchange, asked: UnsafeRawBufferPointer) {
        let ending = prepareEnding(exchange, closes: false)
        guard let cors = exchange.route?.cors else { return }
        // The fields write their own `Vary`.
        let isAllowed = exchange.allowsOrigin
        exchange.allowsOrigin = false
        var writer = startAnswer(exchange, status: 204, withCORS: false)
        cors.writePreflightFields(
            &writer, origin: exchange.notes[.origin], isAllowed: isAllowed, asked: asked)
        endAnswer(exchange, &writer, UnsafeRawBufferPointer(start: nil, count: 0), ending: ending)
    }

    // MARK: Without a request

    /// For what could not be read as a request: answered, recorded and closed.
    func refuseUnread(_ client: ClientConnection, _ reply: LocalReply) {
        let exchange = openExchange(client)
        noteNewRequestID(exchange)
        exchange.machine.answeredLocally()
        answer(exchange, reply)
    }

    // MARK: Pieces

    /// What becomes of the connection, given how much of the request is still to come.
    private func prepareEnding(_ exchange: RunningExchange, closes: Bool) -> ClientConnection.AfterFlush {
        guard let client = exchange.client else { return .close }
        restoreHeldBody(exchange, client)
        if closes || client.isRetired || closesConnections { exchange.clientKeepsAlive = false }
        if !exchange.clientKeepsAlive { return .linger }
        if exchange.requestBody.hasEnded { return .nextRequest }
        // A client that was not told to go on may or may not send its body: the next bytes could be either.
        let isSmall = exchange.requestBody.remaining.map { $0 <= UInt64(Worker.discardMax) } ?? true
        guard isSmall, !exchange.expectsContinue else {
            exchange.clientKeepsAlive = false
            return .linger
        }
        client.discardedBody = exchange.requestBody
        client.discardAllowance = Worker.discardMax
        return .discardBody
    }

    /// A request that never went out is held whole: what stands behind its head is unread again.
    private func restoreHeldBody(_ exchange: RunningExchange, _ client: ClientConnection) {
        guard exchange.held.count > exchange.heldHeadBytes else { return }
        let rest = UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(exchange.held.bytes)[exchange.heldHeadBytes...])
        client.input.append(rest, from: blocks)
        exchange.held.release(to: blocks)
    }

    private func startAnswer(
        _ exchange: RunningExchange, status: UInt16, withCORS: Bool = true,
        owned: HeaderEdits.OwnedFields = []
    ) -> ByteWriter {
        exchange.record.status = status
        exchange.isCommitted = true
        var writer = ByteWriter(writeBuffer)
        writer.put("HTTP/1.1 ")
        writer.put(decimal: UInt64(status))
        writer.put(byte: 0x20)
        writer.put(reasonPhrase(status))
        writer.put("\r\n")
        if !owned.contains(.date) {
            date.refresh(realtime: headgate_realtime_ns())
            writer.put("Date: ")
            writer.put(date.text)
            writer.put("\r\n")
        }
        if withCORS, let cors = exchange.route?.cors {
            cors.writeResponseFields(
                &writer, origin: exchange.notes[.origin], isAllowed: exchange.allowsOrigin)
        }
        // What is answered in place of an upstream is about to be taken back.
        let isInPlace = exchange.route?.action.proxies ?? false
        if !isInPlace || exchange.rateRefusal != nil { writeLimitFields(&writer, exchange) }
        return writer
    }

    private func endAnswer(
        _ exchange: RunningExchange, _ writer: inout ByteWriter, _ body: UnsafeRawBufferPointer,
        ending: ClientConnection.AfterFlush, owned: HeaderEdits.OwnedFields = []
    ) {
        guard let client = exchange.client else { return }
        if !owned.contains(.requestID) { writeRequestID(&writer, exchange) }
        let status = exchange.record.status
        if status != 204 && status != 304 {
            writer.put("Content-Length: ")
            writer.put(decimal: UInt64(body.count))
            writer.put("\r\n")
        }
        writeConnection(&writer, exchange)
        writer.put("\r\n")
        let hasBody = exchange.method != .head && status != 204 && status != 304
        let sentBody = hasBody ? body : UnsafeRawBufferPointer(start: nil, count: 0)
        exchange.record.responseBodyBytes = UInt64(sentBody.count)
        if let account = exchange.account { settleReservation(exchange, account) }
        let result: SendResult
        if sentBody.count <= Worker.copyMax {
            writer.put(sentBody)
            result = send(client, writer.bytes)
        } else {
            result = send(client, writer.bytes, sentBody)
        }
        if result == .failed {
            exchange.record.outcome = .clientGone
            exchange.record.fault = .client
        }
        conclude(exchange)
        if result == .failed { closeClient(client) } else { endExchange(client, ending) }
    }

    private func writeErrorBody(_ writer: inout ByteWriter, _ reply: LocalReply, _ exchange: RunningExchange)
    {
        // It may have been refused for another reason since.
        let rate = exchange.rateRefusal.flatMap { $0.reply == reply ? $0 : nil }
        let body = ErrorBody(
            reply: reply, shape: exchange.route?.errors ?? .openai, bound: exchange.bodyLimit, rate: rate)
        body.write(&writer, footer: exchange.route?.errorFooter ?? [])
    }

    private func writeAllow(_ writer: inout ByteWriter, _ methods: MethodSet) {
        writer.put("Allow: ")
        var isFirst = true
        for method in Method.allCases
        where method != .other && methods.bits & (1 << UInt16(method.rawValue)) != 0 {
            if !isFirst { writer.put(", ") }
            isFirst = false
            writer.put(method.name)
        }
        for name in methods.others {
            if !isFirst { writer.put(", ") }
            isFirst = false
            writer.put(name)
        }
        writer.put("\r\n")
    }
}
