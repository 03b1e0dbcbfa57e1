/// What became of the exchanges with one request id: each decision on the way, for people and for programs.
struct ExchangeStory {
    let id: String
    private let kept: [RecentRecords.Kept]
    private let reach: RecentRecords.Reach
    /// Exchanges that run now, whoever's they are.
    private let running: Int

    /// Ids come from clients, who may send one again and again.
    static let exchangesMax = 16

    /// - Parameter running: exchanges that run now.
    init(id: String, recent: RecentRecords, running: Int) {
        self.id = id
        self.running = running
        kept = recent.find(requestID: Array(id.utf8), max: ExchangeStory.exchangesMax)
        reach = recent.reach
    }

    var isFound: Bool { !kept.isEmpty }

    /// `{"request_id", "exchanges", "remembered"}`: the newest first, each as the access log has it.
    var json: String {
        var json = JSONText()
        json.object { json in
            json.string("request_id", id)
            json.array("exchanges") { json in
                for one in kept {
                    json.object {
                        RecordFormat<[UInt8]>(format: .json).appendMembers(one.record, one.texts, to: &$0)
                    }
                }
            }
            json.object("remembered") { json in
                json.number("count", reach.count)
                reach.count == 0 ? json.null("since") : json.string("since", Timestamp.text(reach.since))
            }
            if !isFound { json.string("error", missing) }
        }
        return json.text
    }

    /// A line for each decision.
    var text: String {
        guard let newest = kept.first else { return missing }
        var lines = ExchangeTelling(kept: newest).lines
        if kept.count > 1 {
            let others = kept.dropFirst().map { Timestamp.text($0.record.startedAt) }
            lines.append("the same id had \(others.joined(separator: ", ")): --json shows them all")
        }
        return lines.joined(separator: "\n")
    }

    private var missing: String {
        let runs = running == 0 ? "" : ": it may be one of the \(counted(running, "exchange")) that run"
        let back =
            reach.count == 0
            ? "nothing is remembered yet"
            : "\(counted(reach.count, "exchange")) since \(Timestamp.text(reach.since)) are remembered"
        return "no exchange with the request id \(id) has ended here\(runs); \(back)"
    }
}

/// One record, told to people.
struct ExchangeTelling {
    let kept: RecentRecords.Kept

    private var record: ExchangeRecord { kept.record }

    /// What a client sends may hold anything.
    private func text(_ text: RecordText) -> String {
        String(
            String(decoding: kept[text], as: UTF8.self).unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control ? "\u{FFFD}" : Character(scalar)
            })
    }

    var lines: [String] {
        var lines = ["request \(text(.requestID)) at \(Timestamp.text(record.startedAt))"]
        func add(_ label: String, _ line: String?) {
            guard let line else { return }
            lines.append("  \(label)\(String(repeating: " ", count: 10 - label.count))\(line)")
        }
        add("asked", asked)
        add("route", route)
        add("auth", auth)
        add("model", text(.model).isEmpty ? nil : text(.model))
        add("limits", limits)
        add("control", record.askTime == 0 ? nil : "was asked, and answered in \(ms(record.askTime))")
        add("queue", record.queueTime == 0 ? nil : "waited \(ms(record.queueTime)) for a place")
        for (label, line) in attempts { add(label, line) }
        add("answer", answer)
        add("used", used)
        add("outcome", outcome)
        return lines
    }

    private var asked: String {
        let method = text(.method)
        guard !method.isEmpty else { return "what could not be read as a request, by \(client)" }
        let host = text(.host).isEmpty ? "" : " of \(text(.host))"
        return "\(method) \(text(.path))\(host), by \(client)"
    }

    private var client: String { "\(record.peer.hostText) at listener \(text(.listener))" }

    private var route: String {
        let generation = "by generation \(record.generation)"
        return text(.route).isEmpty ? "none, \(generation)" : "\(text(.route)), \(generation)"
    }

    private var auth: String? {
        guard !text(.route).isEmpty else { return nil }
        let (entry, caller) = (text(.auth), text(.caller))
        if entry.isEmpty { return "no entry let it in" }
        return caller.isEmpty ? "\(entry), nobody in particular" : "\(entry), as \(caller)"
    }

    private var limits: String? {
        guard !text(.route).isEmpty, !text(.auth).isEmpty else { return nil }
        let limit = record.limit
        let number = "\(text(.limit)) \(text(.limitNumber)), \(limit.share)"
        switch limit.verdict {
        case .none: return "none applied"
        case .passed: return "passed; nearest was \(number) used"
        case .shadowed: return "passed; over \(number) used, which refuses nobody (mode: shadow)"
        case .refused:
            let wait = limit.wait == 0 ? "" : "; room again in \(ms(limit.wait))"
            return "refused by \(number) used\(wait)"
        case .cut: return "cut by \(number) used"
        }
    }

    private var attempts: [(String, String)] {
        guard record.attempts > 0 else { return [] }
        var told = record.earlierAttempts(kept[.earlierPlaces]).map { earlier in
            let took = ms(UInt64(earlier.attempt.took) * 1000)
            let place = place(earlier.upstream, earlier.endpoint)
            return ("attempt \(earlier.number)", "\(place): \(earlier.attempt.told) after \(took); once more")
        }
        if record.attemptsUntold > 0 {
            told.append(("", "\(counted(record.attemptsUntold, "attempt")) more, of which nothing is kept"))
        }
        var last = place(text(.upstream), text(.endpoint))
        if !text(.key).isEmpty { last += ", with the key of \(text(.key))" }
        if record.reusedUpstream {
            last += ", on a pooled connection"
        } else if record.connectTime > 0 {
            last += ", connected in \(ms(record.connectTime))"
        }
        told.append(("attempt \(record.attempts)", last))
        return told
    }

    private func place(_ upstream: String, _ endpoint: String) -> String {
        endpoint.isEmpty ? "\(upstream), no endpoint" : "\(upstream) \(endpoint)"
    }

    private var answer: String {
        guard record.status > 0 else { return "none" }
        let code = text(.errorCode).isEmpty ? "" : " \(text(.errorCode))"
        let first = record.firstByteTime == 0 ? "" : ", first byte after \(ms(record.firstByteTime))"
        let whose = record.fault == .upstream || record.firstByteTime > 0 ? "" : " by the gateway"
        return "\(record.status)\(code)\(whose)\(first), \(record.responseBodyBytes) bytes"
    }

    private var used: String? {
        guard record.isMetered else { return nil }
        return "\(record.inputTokens) tokens of input, \(record.outputTokens) of output"
    }

    private var outcome: String {
        let fault = record.fault == .none ? "" : ", by the \(record.fault.text)"
        return "\(record.outcome.told)\(fault), after \(ms(record.totalTime))"
    }

    private func ms(_ nanoseconds: UInt64) -> String {
        var bytes: [UInt8] = []
        appendMilliseconds(nanoseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self) + " ms"
    }
}

extension ExchangeRecord.Outcome {
    fileprivate var told: String {
        switch self {
        case .complete: "answered whole"
        case .clientGone: "the client went away"
        case .truncated: "the answer broke off"
        case .clientStalled: "the client stopped reading"
        case .cut: "cut"
        }
    }
}
