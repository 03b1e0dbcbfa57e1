/// One record as a datagram for systemd's journal: `MESSAGE` for people, and `HEADGATE_…` for `journalctl
/// HEADGATE_STATUS=502`.
struct JournalFormat<Text: Collection> where Text.Element == UInt8 {
    /// Of syslog(3).
    private static var warning: Int { 4 }
    private static var info: Int { 6 }

    /// Writes the message, and says what of it is left out.
    let line: RecordFormat<Text>

    /// - Parameter texts: one for each `RecordText`, in its order.
    func datagram(_ record: ExchangeRecord, _ texts: [Text]) -> [UInt8] {
        var bytes: [UInt8] = []
        var (json, message) = (JSONText(), [UInt8]())
        line.append(record, texts, to: &json, text: &message)
        message.removeLast()
        let isTrouble = record.fault == .upstream || record.fault == .gateway
        append("MESSAGE", message, to: &bytes)
        append("PRIORITY", isTrouble ? Self.warning : Self.info, to: &bytes)
        append("SYSLOG_IDENTIFIER", "headgate".utf8, to: &bytes)
        for (name, text) in Self.names {
            let value = texts[text.rawValue]
            if line.hides(text) {
                append(name, "-".utf8, to: &bytes)
            } else if !value.isEmpty {
                append(name, value, to: &bytes)
            }
        }
        append("HEADGATE_CLIENT", line.client(record).utf8, to: &bytes)
        if record.status > 0 { append("HEADGATE_STATUS", record.status, to: &bytes) }
        append("HEADGATE_FAULT", record.fault.text.utf8, to: &bytes)
        append("HEADGATE_OUTCOME", record.outcome.text.utf8, to: &bytes)
        append("HEADGATE_GENERATION", record.generation, to: &bytes)
        append("HEADGATE_ATTEMPTS", record.attempts, to: &bytes)
        append("HEADGATE_BYTES_IN", record.requestBodyBytes, to: &bytes)
        append("HEADGATE_BYTES_OUT", record.responseBodyBytes, to: &bytes)
        append("HEADGATE_MS", record.totalTime / 1_000_000, to: &bytes)
        if record.isMetered {
            append("HEADGATE_INPUT_TOKENS", record.inputTokens, to: &bytes)
            append("HEADGATE_OUTPUT_TOKENS", record.outputTokens, to: &bytes)
        }
        if line.isSlow(record) { append("HEADGATE_SLOW", 1, to: &bytes) }
        return bytes
    }

    private static var names: [(String, RecordText)] {
        [
            ("HEADGATE_REQUEST_ID", .requestID), ("HEADGATE_METHOD", .method), ("HEADGATE_PATH", .path),
            ("HEADGATE_HOST", .host), ("HEADGATE_LISTENER", .listener), ("HEADGATE_ROUTE", .route),
            ("HEADGATE_AUTH", .auth), ("HEADGATE_CALLER", .caller), ("HEADGATE_MODEL", .model),
            ("HEADGATE_UPSTREAM", .upstream), ("HEADGATE_ENDPOINT", .endpoint), ("HEADGATE_KEY", .key),
            ("HEADGATE_CODE", .errorCode),
        ]
    }

    private func append(_ name: String, _ number: some BinaryInteger, to bytes: inout [UInt8]) {
        append(name, String(number).utf8, to: &bytes)
    }

    /// `NAME=value`; where the value holds a line end, its name, its length in eight octets and itself.
    private func append(_ name: String, _ value: some Collection<UInt8>, to bytes: inout [UInt8]) {
        bytes += name.utf8
        if value.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            let count = UInt64(value.count)
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value
        bytes.append(UInt8(ascii: "\n"))
    }
}
