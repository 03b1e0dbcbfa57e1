import Config

/// One record as spans of OpenTelemetry, in the JSON of OTLP (opentelemetry.io, "OTLP Specification",
/// "JSON Protobuf Encoding"): the server's, and one for each attempt at an upstream. Attributes are those of
/// the semantic conventions for HTTP and generative AI where there is one, else `headgate.…`.
struct SpanFormat<Text: Collection> where Text.Element == UInt8 {
    let record: ExchangeRecord
    /// One for each `RecordText`, in its order.
    let texts: [Text]

    // SpanKind and StatusCode of the protocol.
    private static var serverKind: Int { 2 }
    private static var clientKind: Int { 3 }
    private static var errorCode: Int { 2 }

    /// Objects, each by itself.
    var spans: [[UInt8]] {
        var spans = [server]
        for earlier in record.earlierAttempts(texts[RecordText.earlierPlaces.rawValue]) {
            spans.append(self.earlier(earlier))
        }
        if record.attempts > 0 { spans.append(last) }
        return spans
    }

    private func has(_ text: RecordText) -> Bool { !texts[text.rawValue].isEmpty }
    private func text(_ text: RecordText) -> String {
        String(decoding: Array(texts[text.rawValue]), as: UTF8.self)
    }

    private var end: UInt64 { record.startedAt &+ record.totalTime }

    // MARK: - The server's span

    private var server: [UInt8] {
        span(
            record.trace.spanID, parent: record.trace.parentID, kind: Self.serverKind,
            name: name(text(.route)), from: record.startedAt &- record.headTime, to: end,
            problem: serverProblem
        ) { json in
            attribute("http.request.method", .method, &json)
            attribute("url.path", .path, &json)
            attribute("server.address", .host, &json)
            status(record.status, &json)
            attribute("error.type", .errorCode, &json)
            attribute("headgate.request_id", .requestID, &json)
            attribute("headgate.listener", .listener, &json)
            attribute("headgate.route", .route, &json)
            attribute("headgate.auth", .auth, &json)
            attribute("headgate.caller", .caller, &json)
            attribute("headgate.upstream", .upstream, &json)
            attribute("headgate.outcome", record.outcome.text, &json)
            attribute("headgate.generation", record.generation, &json)
            if record.limit.verdict != .none {
                attribute("headgate.limit", "\(text(.limit)) \(text(.limitNumber))", &json)
                attribute("headgate.limit.verdict", record.limit.verdict.text, &json)
            }
            if record.queueTime > 0 { attribute("headgate.queue_ms", record.queueTime / 1_000_000, &json) }
            attribute("gen_ai.request.model", .model, &json)
            guard record.isMetered else { return }
            attribute("gen_ai.usage.input_tokens", record.inputTokens, &json)
            attribute("gen_ai.usage.output_tokens", record.outputTokens, &json)
        }
    }

    /// An error of the client's is none of the server's (semantic conventions, "HTTP server span status").
    private var serverProblem: String? {
        if record.status >= 500 { return has(.errorCode) ? text(.errorCode) : "\(record.status)" }
        switch record.outcome {
        case .complete, .clientGone, .clientStalled: return nil
        case .truncated, .cut: return record.outcome.text
        }
    }

    // MARK: - Attempts

    private func earlier(_ earlier: ExchangeRecord.EarlierAttempt) -> [UInt8] {
        let attempt = earlier.attempt
        let start = record.startedAt &+ UInt64(attempt.startedAfter) * 1000
        return self.attempt(
            UInt8(clamping: earlier.number), upstream: earlier.upstream, endpoint: earlier.endpoint,
            status: attempt.status, from: start, to: start &+ UInt64(attempt.took) * 1000,
            problem: attempt.told
        ) { _ in }
    }

    private var last: [UInt8] {
        let isAnswered = record.firstByteTime > 0
        let start = record.startedAt &+ UInt64(record.lastAttempt.startedAfter) * 1000
        let isFailed = !isAnswered || record.status >= 400 || record.outcome == .truncated
        let reason =
            has(.errorCode) ? text(.errorCode) : isAnswered ? "\(record.status)" : record.outcome.text
        return attempt(
            record.attempts, upstream: text(.upstream), endpoint: text(.endpoint),
            status: isAnswered ? record.status : 0, from: start, to: end, problem: isFailed ? reason : nil
        ) { json in
            attribute("headgate.key", .key, &json)
            boolean("headgate.pooled", record.reusedUpstream, &json)
        }
    }

    private func attempt(
        _ number: UInt8, upstream: String, endpoint: String, status: UInt16, from start: UInt64,
        to end: UInt64,
        problem: String?, _ more: (inout JSONText) -> Void
    ) -> [UInt8] {
        span(
            record.trace.span(ofAttempt: number), parent: record.trace.spanID, kind: Self.clientKind,
            name: name(upstream), from: start, to: end, problem: problem
        ) { json in
            attribute("http.request.method", .method, &json)
            if let url = FetchURL(endpoint) {
                attribute("server.address", url.host, &json)
                attribute("server.port", url.port, &json)
            }
            self.status(status, &json)
            if let problem { attribute("error.type", problem, &json) }
            if number > 1 { attribute("http.request.resend_count", number - 1, &json) }
            attribute("headgate.upstream", upstream, &json)
            more(&json)
        }
    }

    // MARK: - Pieces

    /// Of few different words: a method that nobody knows is `HTTP`.
    private func name(_ target: String) -> String {
        let method = text(.method)
        let known = Method.allCases.contains { $0 != .other && $0.name.elementsEqual(method.utf8) }
        let first = known ? method : "HTTP"
        return target.isEmpty ? first : "\(first) \(target)"
    }

    private func span(
        _ id: UInt64, parent: UInt64, kind: Int, name: String, from start: UInt64, to end: UInt64,
        problem: String?, _ attributes: (inout JSONText) -> Void
    ) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.string("traceId", Self.digits(record.trace.high) + Self.digits(record.trace.low))
            json.string("spanId", Self.digits(id))
            if parent != 0 { json.string("parentSpanId", Self.digits(parent)) }
            json.string("name", name)
            json.number("kind", kind)
            // 64 bits are text there.
            json.string("startTimeUnixNano", String(start))
            json.string("endTimeUnixNano", String(max(start, end)))
            json.array("attributes", attributes)
            guard let problem else { return }
            json.object("status") { json in
                json.number("code", Self.errorCode)
                json.string("message", problem)
            }
        }
        return json.bytes
    }

    private static func digits(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }

    private func status(_ status: UInt16, _ json: inout JSONText) {
        if status > 0 { attribute("http.response.status_code", status, &json) }
    }

    /// Left out where there is none.
    private func attribute(_ key: String, _ text: RecordText, _ json: inout JSONText) {
        if has(text) { attribute(key, self.text(text), &json) }
    }

    private func attribute(_ key: String, _ value: String, _ json: inout JSONText) {
        OTLP.attribute(key, &json) { $0.string("stringValue", value) }
    }

    private func attribute(_ key: String, _ value: some BinaryInteger, _ json: inout JSONText) {
        OTLP.attribute(key, &json) { $0.string("intValue", String(value)) }
    }

    private func boolean(_ key: String, _ value: Bool, _ json: inout JSONText) {
        OTLP.attribute(key, &json) { $0.boolean("boolValue", value) }
    }
}

/// What stands around spans.
enum OTLP {
    static func attribute(_ key: String, _ json: inout JSONText, _ value: (inout JSONText) -> Void) {
        json.object { json in
            json.string("key", key)
            json.object("value", value)
        }
    }

    /// The body of a request (`ExportTraceServiceRequest`).
    static func body(_ spans: [[UInt8]], service: String, version: String) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.array("resourceSpans") { json in
                json.object { json in
                    json.object("resource") { json in
                        json.array("attributes") { json in
                            attribute("service.name", &json) { $0.string("stringValue", service) }
                            attribute("service.version", &json) { $0.string("stringValue", version) }
                        }
                    }
                    json.array("scopeSpans") { json in
                        json.object { json in
                            json.object("scope") { json in
                                json.string("name", "headgate")
                                json.string("version", version)
                            }
                            json.array("spans") { json in
                                for span in spans { json.raw(nil, String(decoding: span, as: UTF8.self)) }
                            }
                        }
                    }
                }
            }
        }
        return json.bytes
    }
}
