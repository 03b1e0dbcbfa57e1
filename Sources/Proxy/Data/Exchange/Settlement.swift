import CLinux

/// The end of an exchange, for whoever counts what it used.
extension Worker {
    /// Exactly once, when the exchange ends.
    func settle(_ exchange: RunningExchange) {
        guard let account = exchange.account else { return }
        settleReservation(exchange, account)
        let ending = exchange.ending
        guard account.isMetered && ending != .refused else { return }
        let used = usage(account, ending)
        exchange.record.isMetered = true
        exchange.record.inputTokens = used.charge.inputTokens
        exchange.record.outputTokens = used.charge.outputTokens
        recordUsage(exchange, account, ending, used)
    }

    /// Behind `settle`: nothing asks any more what was used.
    func closeAccount(_ exchange: RunningExchange) {
        guard let account = exchange.account else { return }
        exchange.account = nil
        account.reset(blocks: blocks)
        if spareAccounts.count < Worker.spareExchangesMax { spareAccounts.append(account) }
    }

    /// Before the last bytes of an answer go out: whoever has them may come again at once, by another worker,
    /// and must not meet what this exchange still holds.
    func settleReservation(_ exchange: RunningExchange, _ account: UsageAccount) {
        completeFacts(exchange, account)
        guard account.reservation.isHeld else { return }
        let ending = exchange.ending
        let time = limitTime()
        if ending == .refused {
            handle.ledger.withdraw(account.reservation, at: time)
        } else {
            noteActuals(exchange, account, ending)
            handle.ledger.settle(account.reservation, at: time)
        }
    }

    /// A request whose body nobody looked into: its model is what the answer says, its input a quarter of its
    /// bytes.
    private func completeFacts(_ exchange: RunningExchange, _ account: UsageAccount) {
        guard account.isMetered, exchange.notes[.model].isEmpty, let serving = exchange.serving else {
            return
        }
        if account.inputTokensEstimate == 0 {
            account.inputTokensEstimate = (exchange.requestBody.contentBytes + 3) / 4
        }
        guard account.taps else { return }
        let known = account.tap.model.withBytes { $0.isEmpty ? nil : serving.plan.models.find($0) }
        if let known { account.model = known }
    }

    /// What each limit that counts tokens or money is charged.
    private func noteActuals(
        _ exchange: RunningExchange, _ account: UsageAccount, _ ending: ExchangeEnding
    ) {
        guard account.hasSpending, let route = exchange.route else { return }
        let measured = account.measured?.charge ?? unread(ending)
        for index in 0..<account.reservation.count {
            let entry = account.reservation[index]
            guard entry.measure.unit.isSpending else { continue }
            let policy = route.limits[Int(account.limit(ofEntry: index))].charge
            let actual: UInt64 =
                switch policy.amount(for: ending) {
                case .nothing: 0
                case .reserved: entry.reserved
                case .measured:
                    // Nobody knows: so it is what was reserved.
                    measured.map { entry.measure.amount(of: $0) } ?? entry.reserved
                }
            account.reservation[index].actual = min(actual, UsageAccount.amountMax)
        }
    }

    /// What is taken to be used where the answer was not read: nothing for an error.
    /// - Returns: nil where nobody knows: an answer that cannot be read, or none, to a request that an
    ///   upstream has worked on.
    private func unread(_ ending: ExchangeEnding) -> LimitCharge? {
        ending == .upstreamError ? LimitCharge() : nil
    }

    private typealias Used = (charge: LimitCharge, cachedTokens: UInt64, isEstimated: Bool)

    private func recordUsage(
        _ exchange: RunningExchange, _ account: UsageAccount, _ ending: ExchangeEnding, _ used: Used
    ) {
        guard let serving = exchange.serving else { return }
        let used = usage(account, ending)
        if let figures = serving.plan.upstreams[exchange.upstreamIndex].figures {
            figures.note(used.charge.inputTokens, .inputTokens, worker: handle.index)
            figures.note(used.charge.outputTokens, .outputTokens, worker: handle.index)
            figures.note(used.cachedTokens, .cachedInputTokens, worker: handle.index)
        }
        guard serving.plan.recordsUsage else { return }
        var record = UsageRecord()
        record.time = exchange.record.startedAt
        record.keyID = exchange.caller?.keyID ?? 0
        record.userID = exchange.caller?.userID ?? 0
        record.failed = ending != .complete && ending != .clientGone
        record.inputTokens = used.charge.inputTokens
        record.outputTokens = used.charge.outputTokens
        record.cachedInputTokens = used.cachedTokens
        record.nanoUSD = used.charge.nanoUSD
        record.isEstimated = used.isEstimated
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let upstream = serving.plan.upstreams[exchange.upstreamIndex].nameText.bytes
        withModel(of: exchange) { model in
            let texts = UsageTexts(items: [
                exchange.auth?.nameText.bytes ?? none, exchange.caller?.label.bytes ?? none, model, upstream,
            ])
            _ = handle.usage.append(record, texts: texts)
        }
        handle.usageBell.recordAppended()
    }

    private func usage(_ account: UsageAccount, _ ending: ExchangeEnding) -> Used {
        if let measured = account.measured { return measured }
        let input = account.charge(input: account.inputTokensEstimate, cached: 0, output: 0)
        return (unread(ending) ?? input, 0, ending != .upstreamError)
    }
}

/// How an exchange ended, for those who charge for it.
enum ExchangeEnding: Equatable, CaseIterable {
    /// Answered whole, by an upstream that did not refuse.
    case complete
    /// The client went away, or stopped reading.
    case clientGone
    /// The upstream closed in the middle of its answer.
    case upstreamEOF
    /// The upstream answered with an error, or with nothing.
    case upstreamError
    /// One of the upstream's clocks ran out.
    case timeout
    /// Ended by us for another reason: a limit, a revoked caller, `drain_timeout`.
    case cut
    /// No upstream had it, because we refused it or the client left: as though it had never been.
    case refused
}

extension RunningExchange {
    var ending: ExchangeEnding {
        let asksUpstream = route?.action.proxies ?? false
        if asksUpstream && sentAt == 0 { return record.fault == .upstream ? .upstreamError : .refused }
        if hasTimedOut { return .timeout }
        switch record.outcome {
        case .clientGone, .clientStalled: return .clientGone
        case .truncated: return .upstreamEOF
        case .cut: return record.fault == .client ? .clientGone : .cut
        case .complete:
            guard asksUpstream, record.status >= 400 else { return .complete }
            switch record.fault {
            // The upstream's own answer, or ours in place of one.
            case .none, .upstream: return .upstreamError
            case .client, .gateway: return .cut
            }
        }
    }
}

extension ChargePolicy {
    func amount(for ending: ExchangeEnding) -> Amount {
        switch ending {
        case .complete: .measured
        case .clientGone: clientGone
        case .upstreamEOF: upstreamEOF
        case .upstreamError: upstreamError
        case .timeout: timeout
        // What came is what is charged.
        case .cut: .measured
        case .refused: .nothing
        }
    }
}
