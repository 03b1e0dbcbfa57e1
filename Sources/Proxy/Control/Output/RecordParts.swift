/// What a record says in more than one word, for the access log, `explain` and spans.
extension ExchangeRecord {
    /// An attempt before the last one.
    struct EarlierAttempt {
        /// From 1.
        let number: Int
        let upstream: String
        /// Empty: none was chosen.
        let endpoint: String
        let attempt: RecordedAttempt
    }

    /// - Parameter places: `RecordText.earlierPlaces`.
    func earlierAttempts(_ places: some Collection<UInt8>) -> [EarlierAttempt] {
        guard attempts > 1 else { return [] }
        let names = places.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: Array($0), as: UTF8.self)
        }
        return (0..<RecordedAttempts.slot(attempts)).map { slot in
            let hasNames = names.count > 2 * slot + 1
            return EarlierAttempt(
                number: slot + 1, upstream: hasNames ? names[2 * slot] : "",
                endpoint: hasNames ? names[2 * slot + 1] : "", attempt: attempt[slot])
        }
    }

    /// Attempts between those that are told of and the last one.
    var attemptsUntold: Int { max(0, Int(attempts) - RecordedAttempts.max) }

    var lastAttempt: RecordedAttempt { attempt[RecordedAttempts.slot(max(1, attempts))] }
}

extension RecordedAttempt.Cause {
    /// In the access log and for whoever reads it by a program.
    var text: String {
        switch self {
        case .none: "none"
        case .unconnected: "unconnected"
        case .lost: "lost"
        case .stalled: "stalled"
        case .status: "status"
        case .stale: "stale"
        case .keyRefused: "key_refused"
        case .keyMissing: "key_missing"
        }
    }
}

extension RecordedAttempt {
    /// For people: what became of it.
    var told: String {
        switch cause {
        case .none: "ended"
        case .unconnected: "no connection"
        case .lost: "closed before it answered"
        case .stalled: "no answer in time (first_byte)"
        case .status: "answered \(status)"
        case .stale: "a pooled connection that had ended before"
        case .keyRefused: "answered \(status): it does not take the key"
        case .keyMissing: "there is no key for it"
        }
    }
}

extension RecordedLimit.Verdict {
    var text: String {
        switch self {
        case .none: "none"
        case .passed: "passed"
        case .shadowed: "shadowed"
        case .refused: "refused"
        case .cut: "cut"
        }
    }
}

extension RecordedLimit {
    /// `57 of 60`, money as `$0.25 of $10`.
    var share: String { "\(unit.forPeople(used)) of \(unit.forPeople(max))" }
}
