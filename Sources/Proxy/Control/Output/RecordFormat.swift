import Config

/// One record as one line of the access log.
///
/// Generic over the texts' bytes, so that it can be tested without a ring.
struct RecordFormat<Text: Collection> where Text.Element == UInt8 {
    var format: AccessLogConfig.Format
    /// Nanoseconds from which on an exchange is slow; `.max`: nothing is said of that.
    var slowFrom = UInt64.max
    /// Replaced by `-`.
    var redacted: [AccessLogConfig.Field] = []

    func isSlow(_ record: ExchangeRecord) -> Bool { record.totalTime >= slowFrom }

    func hides(_ text: RecordText) -> Bool {
        switch text {
        case .path: redacted.contains(.path)
        case .caller: redacted.contains(.caller)
        case .host: redacted.contains(.host)
        case .errorCode, .requestID, .method, .listener, .route, .endpoint, .auth, .model, .upstream, .key,
            .limit, .limitNumber, .earlierPlaces:
            false
        }
    }

    func client(_ record: ExchangeRecord) -> String {
        redacted.contains(.client) ? "-" : record.peer.hostText
    }

    /// - Parameter texts: one for each `RecordText`, in its order.
    func append(_ record: ExchangeRecord, _ texts: [Text], to json: inout JSONText, text: inout [UInt8]) {
        switch format {
        case .json:
            json.removeAll()
            json.object { appendMembers(record, texts, to: &$0) }
            text += json.bytes
        case .text: appendText(record, texts, to: &text)
        }
        text.append(UInt8(ascii: "\n"))
    }

    /// Into an object that is open.
    func appendMembers(_ record: ExchangeRecord, _ texts: [Text], to json: inout JSONText) {
        json.string("ts", Timestamp.text(record.startedAt))
        json.string("request_id", texts[RecordText.requestID.rawValue])
        json.string("client", client(record))
        json.string("listener", texts[RecordText.listener.rawValue])
        optional("route", .route, texts, &json)
        optional("auth", .auth, texts, &json)
        optional("caller", .caller, texts, &json)
        json.string("method", texts[RecordText.method.rawValue])
        hides(.path) ? json.string("path", "-") : json.string("path", texts[RecordText.path.rawValue])
        hides(.host) ? json.string("host", "-") : json.string("host", texts[RecordText.host.rawValue])
        record.status == 0 ? json.null("status") : json.number("status", record.status)
        optional("code", .errorCode, texts, &json)
        json.string("fault", record.fault.text)
        json.string("outcome", record.outcome.text)
        if slowFrom < .max { json.boolean("slow", isSlow(record)) }
        json.number("generation", record.generation)
        optional("model", .model, texts, &json)
        appendLimit(record, texts, to: &json)
        optional("upstream", .endpoint, texts, &json)
        optional("upstream_name", .upstream, texts, &json)
        optional("key", .key, texts, &json)
        json.number("attempts", record.attempts)
        appendEarlier(record, texts, to: &json)
        json.boolean("reused", record.reusedUpstream)
        json.number("bytes_in", record.requestBodyBytes)
        json.number("bytes_out", record.responseBodyBytes)
        appendTokens(record, to: &json)
        appendTimes(record, to: &json)
    }

    private func appendLimit(_ record: ExchangeRecord, _ texts: [Text], to json: inout JSONText) {
        let limit = record.limit
        guard limit.verdict != .none else { return json.null("limit") }
        json.object("limit") { json in
            json.string("name", texts[RecordText.limit.rawValue])
            json.string("number", texts[RecordText.limitNumber.rawValue])
            json.raw("used", limit.unit.plain(limit.used))
            json.raw("max", limit.unit.plain(limit.max))
            json.string("verdict", limit.verdict.text)
        }
    }

    private func appendEarlier(_ record: ExchangeRecord, _ texts: [Text], to json: inout JSONText) {
        json.array("repeated") { json in
            for earlier in record.earlierAttempts(texts[RecordText.earlierPlaces.rawValue]) {
                json.object { json in
                    json.string("upstream_name", earlier.upstream)
                    earlier.endpoint.isEmpty
                        ? json.null("upstream") : json.string("upstream", earlier.endpoint)
                    json.string("because", earlier.attempt.cause.text)
                    earlier.attempt.status == 0
                        ? json.null("status") : json.number("status", earlier.attempt.status)
                    json.milliseconds("ms", nanoseconds: UInt64(earlier.attempt.took) * 1000)
                }
            }
        }
    }

    private func appendTokens(_ record: ExchangeRecord, to json: inout JSONText) {
        guard record.isMetered else { return json.null("tokens") }
        json.object("tokens") { json in
            json.number("input", record.inputTokens)
            json.number("output", record.outputTokens)
        }
    }

    private func appendTimes(_ record: ExchangeRecord, to json: inout JSONText) {
        json.object("ms") { json in
            json.milliseconds("head", nanoseconds: record.headTime)
            json.milliseconds("ask", nanoseconds: record.askTime)
            json.milliseconds("queue", nanoseconds: record.queueTime)
            json.milliseconds("connect", nanoseconds: record.connectTime)
            json.milliseconds("first_byte", nanoseconds: record.firstByteTime)
            json.milliseconds("total", nanoseconds: record.totalTime)
        }
    }

    /// `null` where there is none, so that every line has the same keys.
    private func optional(_ key: String, _ text: RecordText, _ texts: [Text], _ json: inout JSONText) {
        let value = texts[text.rawValue]
        if value.isEmpty { return json.null(key) }
        hides(text) ? json.string(key, "-") : json.string(key, value)
    }

    /// `2026-03-01T12:00:00.250Z 127.0.0.1 "POST /v1/chat/completions" 200 12.345ms in=90 out=512 gen=3
    /// public routes[0] http://127.0.0.1:9000 id=… auth=apps caller="web app" outcome=complete fault=none`,
    /// `-` for what there is not; behind it ` code=…`, ` slow`, ` attempts=…` and ` model="…"` where they say
    /// something.
    private func appendText(_ record: ExchangeRecord, _ texts: [Text], to text: inout [UInt8]) {
        Timestamp.append(record.startedAt, to: &text)
        text += " \(client(record)) \"".utf8
        appendQuotable(texts[RecordText.method.rawValue], to: &text)
        text.append(UInt8(ascii: " "))
        if hides(.path) {
            text += "-".utf8
        } else {
            appendQuotable(texts[RecordText.path.rawValue], to: &text)
        }
        text += "\" \(record.status == 0 ? "-" : String(record.status)) ".utf8
        appendMilliseconds(record.totalTime, to: &text)
        text +=
            "ms in=\(record.requestBodyBytes) out=\(record.responseBodyBytes) gen=\(record.generation)".utf8
        for (label, part) in [
            (" ", RecordText.listener), (" ", .route), (" ", .endpoint), (" id=", .requestID),
            (" auth=", .auth),
        ] {
            text += label.utf8
            let value = texts[part.rawValue]
            if value.isEmpty { text.append(UInt8(ascii: "-")) } else { appendQuotable(value, to: &text) }
        }
        text += " caller=".utf8
        if hides(.caller) {
            text += "-".utf8
        } else {
            appendQuoted(texts[RecordText.caller.rawValue], to: &text)
        }
        text += " outcome=\(record.outcome.text) fault=\(record.fault.text)".utf8
        let code = texts[RecordText.errorCode.rawValue]
        if !code.isEmpty {
            text += " code=".utf8
            appendQuotable(code, to: &text)
        }
        if isSlow(record) { text += " slow".utf8 }
        if record.attempts > 1 { text += " attempts=\(record.attempts)".utf8 }
        let model = texts[RecordText.model.rawValue]
        guard !model.isEmpty else { return }
        text += " model=".utf8
        appendQuoted(model, to: &text)
    }

    /// For what may hold spaces.
    private func appendQuoted(_ value: Text, to text: inout [UInt8]) {
        guard !value.isEmpty else {
            text.append(UInt8(ascii: "-"))
            return
        }
        text.append(UInt8(ascii: "\""))
        appendQuotable(value, to: &text)
        text.append(UInt8(ascii: "\""))
    }

    /// Quotes, backslashes, controls and bytes that are not ASCII as `\xHH`: one record stays one line, and a
    /// quoted text ends where it says.
    private func appendQuotable(_ bytes: Text, to text: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in bytes {
            if byte > 0x1F, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                text.append(byte)
            } else {
                text += [
                    UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)],
                ]
            }
        }
    }
}

extension ExchangeRecord.Fault {
    var text: String {
        switch self {
        case .none: "none"
        case .client: "client"
        case .upstream: "upstream"
        case .gateway: "gateway"
        }
    }
}

extension ExchangeRecord.Outcome {
    var text: String {
        switch self {
        case .complete: "complete"
        case .clientGone: "client_gone"
        case .truncated: "truncated"
        case .clientStalled: "client_stalled"
        case .cut: "cut"
        }
    }
}
