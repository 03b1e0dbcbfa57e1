/// The body of an error that headgate writes itself, in the shape that the route asks for.
struct ErrorBody {
    let reply: LocalReply
    let shape: ErrorShape
    /// Bytes; for replies that name a bound.
    let bound: UInt64
    /// For `.rateLimited`.
    let rate: RateRefusal?

    /// As it stands in the body, where the shape has one; what the record says.
    static func code(of properties: LocalReply.Properties, _ shape: ErrorShape) -> StaticString {
        switch shape {
        case .openai, .detail: properties.code
        case .webscout: properties.webscoutCode.isEmpty ? properties.code : properties.webscoutCode
        }
    }

    /// - Parameter footer: member `footer` as JSON text; empty for none.
    func write(_ writer: inout ByteWriter, footer: [UInt8]) {
        let properties = reply.properties
        switch shape {
        case .openai: writeOpenAI(&writer, properties, footer)
        case .detail: writeDetail(&writer, properties, footer)
        case .webscout: writeWebscout(&writer, properties, footer)
        }
        writer.put("\n")
    }

    private func writeOpenAI(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, _ footer: [UInt8]
    ) {
        writer.put("{\"error\":{\"message\":\"")
        writeMessage(&writer, properties, orRather: properties.openaiMessage)
        writer.put("\",\"type\":\"")
        writer.put(properties.type)
        writer.put("\",\"param\":null,\"code\":\"")
        writer.put(properties.code)
        writer.put("\"")
        writeFooter(&writer, footer)
        writer.put("}}")
    }

    private func writeDetail(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, _ footer: [UInt8]
    ) {
        writer.put("{\"detail\":\"")
        writeMessage(&writer, properties, orRather: properties.detail)
        writer.put("\"")
        writeFooter(&writer, footer)
        writer.put("}")
    }

    private func writeWebscout(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, _ footer: [UInt8]
    ) {
        writer.put("{\"error\":\"")
        writer.put(properties.title.isEmpty ? reasonPhrase(properties.status) : properties.title)
        writer.put("\",\"code\":\"")
        writer.put(ErrorBody.code(of: properties, .webscout))
        writer.put("\",\"details\":{\"message\":\"")
        writeMessage(&writer, properties)
        writer.put("\"")
        if !properties.format.isEmpty {
            writer.put(",\"format\":\"")
            writer.put(properties.format)
            writer.put("\"")
        }
        if reply == .rateLimited { rate?.writeDetails(&writer) }
        writer.put("}")
        writeFooter(&writer, footer)
        writer.put("}")
    }

    /// - Parameter other: what the shape says instead; empty for nothing else.
    private func writeMessage(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, orRather other: StaticString = ""
    ) {
        guard other.isEmpty else { return writer.put(other) }
        writer.put(properties.message)
        switch reply {
        case .bodyTooLarge, .bodyTooLargeToInspect: writer.put(decimal: bound)
        case .rateLimited: rate?.writeMessage(&writer)
        default: break  // Why not listed: every other message is whole.
        }
    }

    private func writeFooter(_ writer: inout ByteWriter, _ footer: [UInt8]) {
        guard !footer.isEmpty else { return }
        writer.put(",\"footer\":")
        writer.put(footer)
    }
}

extension StaticString {
    var isEmpty: Bool { utf8CodeUnitCount == 0 }
}

/// A limit that was reached: what a 429 says about it.
struct RateRefusal: Equatable {
    /// Requests admitted within `window`.
    let requestsMax: Int
    /// Nanoseconds.
    let window: UInt64
    /// Nanoseconds until one more would be admitted; never 0.
    let wait: UInt64
    /// Nanoseconds since 1970 when that is.
    let resetsAt: UInt64

    /// Whole seconds, rounded up: who waits that long is not refused again.
    var retryAfterSeconds: UInt64 { max(1, (wait + 999_999_999) / 1_000_000_000) }

    func writeFields(_ writer: inout ByteWriter) {
        writer.put("Retry-After: ")
        writer.put(decimal: retryAfterSeconds)
        writer.put("\r\nretry-after-ms: ")
        writer.put(decimal: max(1, (wait + 999_999) / 1_000_000))
        writer.put("\r\n")
    }

    /// Behind `Rate limit of `.
    func writeMessage(_ writer: inout ByteWriter) {
        writer.put(decimal: UInt64(requestsMax))
        writer.put(" requests per ")
        if window == 60_000_000_000 {
            writer.put("minute")
        } else {
            writer.put(decimal: window / 1_000_000_000)
            writer.put(" seconds")
        }
        writer.put(" exceeded")
    }

    func writeDetails(_ writer: inout ByteWriter) {
        writer.put(",\"retry_after\":")
        writer.put(decimal: retryAfterSeconds)
        writer.put(",\"reset_at\":\"")
        writer.put(iso8601: (resetsAt + 999_999_999) / 1_000_000_000)
        writer.put("\"")
    }
}

extension ByteWriter {
    /// `2026-03-01T12:00:00Z` - Parameter seconds: since 1970.
    mutating func put(iso8601 seconds: UInt64) {
        let (year, month, day) = HTTPDate.civil(fromDays: Int(seconds / 86_400))
        put(decimal: UInt64(year))
        put(byte: UInt8(ascii: "-"))
        put(twoDigits: month)
        put(byte: UInt8(ascii: "-"))
        put(twoDigits: day)
        put(byte: UInt8(ascii: "T"))
        put(twoDigits: Int(seconds / 3600 % 24))
        put(byte: UInt8(ascii: ":"))
        put(twoDigits: Int(seconds / 60 % 60))
        put(byte: UInt8(ascii: ":"))
        put(twoDigits: Int(seconds % 60))
        put(byte: UInt8(ascii: "Z"))
    }

    private mutating func put(twoDigits value: Int) {
        put(byte: UInt8(value / 10) + 0x30)
        put(byte: UInt8(value % 10) + 0x30)
    }
}
