/// `upstreams.NAME.retry`: when a request goes out once more that nothing has been answered to.
public struct RetryConfig: Equatable, Sendable {
    public enum Cause: String, Equatable, Sendable, CaseIterable {
        /// No connection came about.
        case connect
        /// The upstream closed, or answered what is no HTTP, before there was an answer.
        case reset
        /// `first_byte` ran out.
        case stalled
    }
    /// Of one request at this upstream, the first included: 1 to 10. Default 3.
    public var attempts: Int
    /// Each once, in the order of `Cause`. Default `connect` and `reset`.
    public var causes: [Cause]
    /// 400 to 599: of answers that are not passed on while an attempt is left. Default none.
    public var statuses: [Int]
    /// Also POST and what else is not idempotent, once it may have reached the upstream. Default false.
    public var post: Bool
    /// Repetitions for a hundred requests, 0 to 100; some are always free. Default 20.
    public var budgetPercent: Int
    /// Bytes of a request body that is kept for a repetition; 0: none is. Default 1 MiB.
    public var bodyMax: UInt64
}

extension RetryConfig {
    init(_ node: MappingReader) {
        attempts = node.value(
            "attempts", .integer(1...10), default: "3",
            "Of one request here, the first included; 1: never again.")
        let triggers = node.value(
            "on", .distinct(.oneOrList(.trigger)), default: ["connect", "reset"],
            "After what: `connect` (no connection), `reset` (broke off before an answer), `stalled` (`first_byte` ran out), "
                + "statuses from 400 to 599; one, or a list.")
        causes = Cause.allCases.filter { triggers.contains(.cause($0)) }
        statuses = triggers.compactMap { if case .status(let status) = $0 { status } else { nil } }
        post = node.value(
            "post", .bool, default: "false",
            "Also POST and what else is not idempotent, once it may have reached the upstream.")
        budgetPercent = node.value(
            "budget", .percent, default: "20%",
            "Repetitions for all requests, 0% to 100%; ten in a second are always free.")
        bodyMax = node.value(
            "body", .size(0...64 << 20), default: "1MiB",
            "Size of a request body that is kept for a repetition; of a larger one nothing is repeated.")
        guard attempts == 1, node.isSound("attempts") else { return }
        for key in ["on", "post"] {
            node.fail(
                key, "`\(key)` has no effect\(node.path.inside): with `attempts: 1` nothing is repeated",
                hint: "remove it")
        }
    }
}

/// One entry of `on`.
private enum RetryTrigger: Hashable {
    case cause(RetryConfig.Cause)
    case status(Int)
}

extension Form where Value == RetryTrigger {
    fileprivate static var trigger: Form {
        let words = RetryConfig.Cause.allCases.map(\.rawValue)
        let wanted = words.map { "`\($0)`" }.joined(separator: ", ") + " or a status from 400 to 599"
        let schema = Schema.anyOf([.oneOf(words: words), .integer(400...599)])
        return .scalar(wanted, schema: schema, standIn: .cause(.connect)) { (scalar) throws(Mismatch) in
            if let cause = RetryConfig.Cause(rawValue: scalar.text) { return .cause(cause) }
            if case .integer(let digits) = scalar.core, let status = Int(digits), 400...599 ~= status {
                return .status(status)
            }
            throw Mismatch(text: "must be \(wanted)", hint: Suggestion.hint(for: scalar.text, among: words))
        }
    }
}

extension Form where Value == Int {
    /// `20%`: a whole number of hundredths.
    static var percent: Form {
        let wanted = "a share such as `20%`, from 0% to 100%"
        return .scalar(wanted, schema: .string(pattern: "^[0-9]{1,3}%$"), standIn: 0) {
            (scalar) throws(Mismatch) in
            guard let (number, unit) = Quantities.split(scalar.text), unit == "%", number <= 100 else {
                let isBare = scalar.text.utf8.allSatisfy(ASCII.isDigit) && !scalar.text.isEmpty
                throw Mismatch(text: "must be \(wanted)", hint: isBare ? "write `\(scalar.text)%`" : nil)
            }
            return Int(number)
        }
    }
}
