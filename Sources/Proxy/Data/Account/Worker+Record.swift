/// What is noted of an exchange while it runs, and the record that it leaves when it ends.
extension Worker {
    // MARK: Attempts

    /// An attempt begins; or goes on, now that control has said which key it goes with.
    func beginAttempt(_ exchange: RunningExchange, number: UInt8) {
        guard exchange.record.attempts != number else { return }
        exchange.record.attempts = number
        // Of the attempt before, which may have gone to somebody else.
        exchange.keyLabel = nil
        exchange.record.reusedUpstream = false
        var attempt = RecordedAttempt()
        attempt.upstream = UInt16(clamping: exchange.upstreamIndex)
        attempt.startedAfter = RecordedAttempt.microseconds(now - exchange.startedAt)
        exchange.record.attempt[RecordedAttempts.slot(number)] = attempt
    }

    /// Where the attempt that runs goes is chosen.
    func noteEndpoint(_ exchange: RunningExchange) {
        let slot = RecordedAttempts.slot(exchange.record.attempts)
        exchange.record.attempt[slot].endpoint = UInt16(clamping: exchange.endpoint)
    }

    /// The attempt that runs came to nothing, and the request goes out once more.
    func endAttempt(_ exchange: RunningExchange, _ cause: RecordedAttempt.Cause, status: UInt16 = 0) {
        guard exchange.record.attempts > 0 else { return }
        let slot = RecordedAttempts.slot(exchange.record.attempts)
        var attempt = exchange.record.attempt[slot]
        attempt.cause = cause
        attempt.status = status
        let end = RecordedAttempt.microseconds(now - exchange.startedAt)
        attempt.took = end - min(end, attempt.startedAfter)
        exchange.record.attempt[slot] = attempt
    }

    // MARK: The record

    /// - Parameter body: gets the model that the request names, else the one that the answer names.
    func withModel(of exchange: RunningExchange, _ body: (UnsafeRawBufferPointer) -> Void) {
        let named = exchange.notes[.model]
        guard named.isEmpty, let account = exchange.account, account.taps else { return body(named) }
        account.tap.model.withBytes(body)
    }

    /// Before the account is closed. No allocation.
    func leaveRecord(_ exchange: RunningExchange) {
        guard let serving = exchange.serving else { return }
        let plan = serving.plan
        exchange.record.generation = plan.number
        exchange.record.isLogged = plan.logsAccess
        if case .queued = exchange.standing { exchange.record.queueTime = now - exchange.queuedAt }
        let measure = noteLimit(exchange)
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let upstream = exchange.record.attempts > 0 ? plan.upstreams[exchange.upstreamIndex] : nil
        let endpoint = upstream.flatMap { upstream in
            exchange.endpoint < upstream.endpoints.count ? upstream.endpoints[exchange.endpoint] : nil
        }
        let hasListener = exchange.listenerIndex < plan.listeners.count
        let listener = hasListener ? plan.listeners[exchange.listenerIndex].nameText : .empty
        let code = UnsafeRawBufferPointer(
            start: exchange.replyCode.utf8Start, count: exchange.replyCode.utf8CodeUnitCount)
        let earlier = writeEarlierPlaces(exchange, plan)
        withModel(of: exchange) { model in
            let texts = RecordTexts(items: [
                code, exchange.notes[.requestID], exchange.notes[.method], exchange.notes[.path],
                exchange.notes[.host], listener.bytes, exchange.route?.labelText.bytes ?? none,
                endpoint?.state.displayText.bytes ?? none, exchange.auth?.nameText.bytes ?? none,
                exchange.caller?.label.bytes ?? none, model, upstream?.nameText.bytes ?? none,
                exchange.keyLabel?.bytes ?? none, measure?.limitName.bytes ?? none,
                measure?.keyName.bytes ?? none, earlier,
            ])
            handle.records.append(exchange.record, texts: texts)
        }
        handle.writerBell.recordAppended()
    }

    /// Valid until `pathScratch` is written to.
    private func writeEarlierPlaces(
        _ exchange: RunningExchange, _ plan: Generation
    ) -> UnsafeRawBufferPointer {
        guard exchange.record.attempts > 1 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        var writer = ByteWriter(pathScratch)
        for slot in 0..<RecordedAttempts.slot(exchange.record.attempts) {
            let attempt = exchange.record.attempt[slot]
            let upstream = plan.upstreams[Int(attempt.upstream)]
            writer.put(upstream.nameText.bytes)
            writer.put(byte: 0)
            if Int(attempt.endpoint) < upstream.endpoints.count {
                writer.put(upstream.endpoints[Int(attempt.endpoint)].state.displayText.bytes)
            }
            writer.put(byte: 0)
        }
        return writer.bytes
    }

    /// - Returns: the number that came nearest to deciding the exchange; nil: none applied.
    private func noteLimit(_ exchange: RunningExchange) -> LimitMeasure? {
        guard let account = exchange.account, account.reservation.count > 0 else { return nil }
        var limit = RecordedLimit()
        let index: Int
        if let refusal = exchange.rateRefusal, refusal.entry >= 0 {
            index = refusal.entry
            limit.verdict = .refused
            limit.wait = refusal.wait
        } else if account.mustCut, exchange.record.outcome == .cut {
            index = account.cuttingEntry
            limit.verdict = .cut
        } else {
            index = account.reservation.tightest ?? 0
            let entry = account.reservation[index]
            limit.verdict = entry.isShadow && entry.used > entry.max ? .shadowed : .passed
        }
        let entry = account.reservation[index]
        limit.unit = entry.unit
        limit.max = entry.max
        limit.used = entry.used
        exchange.record.limit = limit
        return entry.measure
    }
}
