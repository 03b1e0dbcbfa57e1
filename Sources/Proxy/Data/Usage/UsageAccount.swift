/// What one exchange may use and what it has used: its reservation, what its request can come to, what its
/// answer says. Recycled by a worker; an exchange that no limit and no `usage` concerns has none.
final class UsageAccount {
    let reservation = Reservation()
    /// Into the route's `limits`, for each entry of the reservation; `own` for the caller's own.
    private var limitOfEntry = InlineArray<16, UInt8>(repeating: 0)
    static let own = UInt8.max

    /// The answer says what was used, and somebody wants to know.
    var isMetered = false
    /// A limit that counts tokens or money has an entry.
    private(set) var hasSpending = false

    // What the request can come to.
    var inputTokensEstimate: UInt64 = 0
    /// Output tokens that the request allows for each of its answers; nil: it does not say.
    var outputTokensAsked: UInt64?
    var choices: UInt64 = 1
    /// What is known of the model that the request names; lives as long as the generation.
    unowned(unsafe) var model: ModelPlan?

    // What the answer says.
    /// Its body is read as it passes.
    var taps = false
    var tap = UsageTap(isEventStream: false)
    /// The chunk with the usage is taken out again: we asked for it and the client did not.
    var hidesUsage = false
    var filter = UsageChunkFilter()
    /// Output tokens up to which nothing has to be reserved again.
    var outputTokensGranted = UInt64.max
    /// The limit is used up, and the stream ends as soon as it stands between two events.
    var mustCut = false
    /// The entry of that limit.
    var cuttingEntry = 0
    /// The event that says so is on its way.
    var saidCut = false

    /// What one request, or one amount of money, is taken for at most: keeps every sum below overflow.
    static let amountMax: UInt64 = 1 << 60

    /// - Parameters:
    ///   - charge: what the request can come to.
    ///   - max: the subject's own; nil: the measure's.
    func add(
        _ measure: LimitMeasure, _ subject: LimitSubject, of charge: LimitCharge, max: UInt64? = nil,
        limit: UInt8, cuts: Bool
    ) {
        limitOfEntry[reservation.count] = limit
        let amount = min(measure.amount(of: charge), UsageAccount.amountMax)
        reservation.add(measure, subject, amount: amount, max: max)
        guard measure.unit.isSpending else { return }
        hasSpending = true
        reservation[reservation.count - 1].growsInAnyCase = !cuts
        // What is counted is an estimate: an answer that a request has bounded may seem longer than it is.
        let isBounded = outputTokensAsked != nil
        outputTokensGranted = min(
            outputTokensGranted, isBounded ? 2 * charge.outputTokens : charge.outputTokens)
    }

    func limit(ofEntry index: Int) -> UInt8 { limitOfEntry[index] }

    /// The client has whole events: another one can be said.
    var isAtEventBoundary: Bool { hidesUsage ? filter.isAtEventBoundary : tap.isAtEventBoundary }

    /// Takes back what was added, before anything was reserved.
    func forgetEntries() {
        reservation.reset()
        hasSpending = false
        outputTokensGranted = .max
    }

    /// What is reserved for the request under a limit.
    /// - Parameter defaultReserve: the limit's, in output tokens.
    func charge(defaultReserve: UInt64?) -> LimitCharge {
        let cap = model?.maxOutput
        let perChoice = min(outputTokensAsked ?? defaultReserve ?? cap ?? 0, cap ?? .max)
        let output = min(perChoice, UsageAccount.amountMax).multipliedReportingOverflow(by: choices)
        return charge(
            input: inputTokensEstimate, cached: 0,
            output: output.overflow
                ? UsageAccount.amountMax : min(output.partialValue, UsageAccount.amountMax))
    }

    /// What was used, as far as the answer has told: what it says itself, and what was counted since it did.
    /// - Returns: nil where the answer could not be read, or is whole and says nothing of it.
    var measured: (charge: LimitCharge, cachedTokens: UInt64, isEstimated: Bool)? {
        guard taps else { return nil }
        if let usage = tap.reported {
            let unreported = tap.outputTokensUnreported
            let charge = charge(
                input: usage.inputTokens, cached: usage.cachedInputTokens,
                output: usage.outputTokens + unreported)
            return (charge, usage.cachedInputTokens, unreported > 0)
        }
        // Why not nothing: it may be worked on still, and be fetched later (`background` of the Responses
        // API).
        guard tap.isEventStream || tap.outputTokensSeen > 0 else { return nil }
        let charge = charge(input: inputTokensEstimate, cached: 0, output: tap.outputTokensSeen)
        return (charge, 0, true)
    }

    func charge(input: UInt64, cached: UInt64, output: UInt64) -> LimitCharge {
        LimitCharge(
            inputTokens: input, outputTokens: output,
            nanoUSD: model?.price?.nanoUSD(input: input, output: output, cachedInput: cached) ?? 0)
    }

    func reset(blocks: BlockPool) {
        forgetEntries()
        filter.release(to: blocks)
        isMetered = false
        inputTokensEstimate = 0
        outputTokensAsked = nil
        choices = 1
        model = nil
        taps = false
        tap = UsageTap(isEventStream: false)
        hidesUsage = false
        mustCut = false
        saidCut = false
    }
}
