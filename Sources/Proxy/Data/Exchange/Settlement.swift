import CLinux

/// The end of an exchange, for whoever counts what it used.
extension Worker {
    /// Exactly once, when the exchange ends.
    func settle(_ exchange: RunningExchange) {
        guard let account = exchange.account else { return }
        exchange.account = nil
        let ending = exchange.ending
        completeFacts(exchange, account)
        if account.reservation.isHeld {
            let time = limitTime(exchange, account)
            if ending == .refused {
                handle.ledger.withdraw(account.reservation, at: time)
            } else {
                noteActuals(exchange, account, ending)
                handle.ledger.settle(account.reservation, at: time)
            }
        }
        if account.isMetered && ending != .refused { recordUsage(exchange, account, ending) }
        account.reset(blocks: blocks)
        if spareAccounts.count < Worker.spareExchangesMax { spareAccounts.append(account) }
    }

    /// A request whose body nobody looked into: its model is what the answer says, its input a quarter of its
    /// bytes.
    private func completeFacts(_ exchange: RunningExchange, _ account: UsageAccount) {
        guard account.isMetered, exchange.notes[.model].isEmpty, let serving = exchange.serving else { return }
        if account.inputTokensEstimate == 0 {
            account.inputTokensEstimate = (exchange.requestBody.contentBytes + 3) / 4
        }
        guard account.taps else { return }
        account.model = account.tap.model.withBytes { $0.isEmpty ? nil : serving.plan.models.find($0) }
    }

    /// What each limit that counts tokens or money is charged.
    private func noteActuals(
        _ exchange: RunningExchange, _ account: UsageAccount, _ ending: ExchangeEnding
    ) {
        guard account.hasSpending, let route = exchange.route else { return }
        let measured = account.measured?.charge ?? unread(exchange, account, ending)
        for index in 0..<account.reservation.count {
            let entry = account.reservation[index]
            guard entry.measure.isSpending else { continue }
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

    /// What is taken to be used where the answer was not read: nothing for an error, the input where nothing
    /// was answered.
    /// - Returns: nil for an answer that cannot be read.
    private func unread(
        _ exchange: RunningExchange, _ account: UsageAccount, _ ending: ExchangeEnding
    ) -> LimitCharge? {
        if (200..<300).contains(exchange.record.status) { return nil }
        if ending == .upstreamError { return LimitCharge() }
        return account.charge(input: account.inputTokensEstimate, cached: 0, output: 0)
    }

    private func recordUsage(
        _ exchange: RunningExchange, _ account: UsageAccount, _ ending: ExchangeEnding
    ) {
        guard let serving = exchange.serving, serving.plan.recordsUsage else { return }
        var record = UsageRecord()
        record.time = exchange.record.startedAt
        record.keyID = exchange.caller?.keyID ?? 0
        record.userID = exchange.caller?.userID ?? 0
        record.failed = ending != .complete && ending != .clientGone
        let used = usage(account, ending)
        record.inputTokens = used.charge.inputTokens
        record.outputTokens = used.charge.outputTokens
        record.cachedInputTokens = used.cachedTokens
        record.nanoUSD = used.charge.nanoUSD
        record.isEstimated = used.isEstimated
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let named = exchange.notes[.model]
        let upstream = serving.plan.upstreams[exchange.upstreamIndex].nameText.bytes
        account.tap.model.withBytes { answered in
            let model = !named.isEmpty ? named : account.taps ? answered : none
            let texts = UsageTexts(items: [
                exchange.auth?.nameText.bytes ?? none, exchange.caller?.label.bytes ?? none, model, upstream,
            ])
            _ = handle.usage.append(record, texts: texts)
        }
        handle.usageBell.recordAppended()
    }

    private func usage(
        _ account: UsageAccount, _ ending: ExchangeEnding
    ) -> (charge: LimitCharge, cachedTokens: UInt64, isEstimated: Bool) {
        if let measured = account.measured { return measured }
        switch ending {
        case .complete, .clientGone, .upstreamEOF:
            return (account.charge(input: account.inputTokensEstimate, cached: 0, output: 0), 0, true)
        case .upstreamError, .timeout, .refused: return (LimitCharge(), 0, false)
        }
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
    /// No upstream had it, because we refused it or the client left: as though it had never been.
    case refused
}

extension RunningExchange {
    var ending: ExchangeEnding {
        let asksUpstream = route?.action.proxies ?? false
        if hasTimedOut { return .timeout }
        if asksUpstream && sentAt == 0 { return record.fault == .upstream ? .upstreamError : .refused }
        switch record.outcome {
        case .clientGone, .clientStalled: return .clientGone
        case .truncated: return .upstreamEOF
        // By our own bounds: what came is what is charged.
        case .cut: return .clientGone
        case .complete: return record.status < 400 || !asksUpstream ? .complete : .upstreamError
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
        case .refused: .nothing
        }
    }
}
