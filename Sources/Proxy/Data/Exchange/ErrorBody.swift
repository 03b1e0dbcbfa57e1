/// The body of an error that headgate writes itself, in the shape that the route asks for.
struct ErrorBody {
    let reply: LocalReply
    let shape: ErrorShape
    /// Bytes; for replies that name a bound.
    let bound: UInt64
    /// For the replies about limits: `RateRefusal.reply`.
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
        writeObject(&writer, footer: footer)
        writer.put("\n")
    }

    /// The same without the end of the line.
    func writeObject(_ writer: inout ByteWriter, footer: [UInt8]) {
        let properties = reply.properties
        switch shape {
        case .openai: writeOpenAI(&writer, properties, footer)
        case .detail: writeDetail(&writer, properties, footer)
        case .webscout: writeWebscout(&writer, properties, footer)
        }
    }

    /// In the middle of a stream: an object `error`, which is what SDKs look for there, in every shape.
    func writeStreamError(_ writer: inout ByteWriter, as shape: ErrorShape) {
        guard shape == .webscout, reply != .draining else {
            return writeOpenAI(&writer, reply.properties, [])
        }
        writer.put("{\"error\":{\"message\":\"")
        writer.put(reply.properties.message)
        writer.put("\",\"type\":\"server_error\",\"code\":\"streaming_error\"}}")
    }

    private func writeOpenAI(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, _ footer: [UInt8]
    ) {
        writer.put("{\"error\":{\"message\":\"")
        writeMessage(&writer, properties, orRather: properties.openaiMessage)
        writer.put("\",\"type\":\"")
        writer.put(properties.type)
        writer.put("\",\"param\":")
        if properties.param.isEmpty {
            writer.put("null")
        } else {
            writer.put("\"")
            writer.put(properties.param)
            writer.put("\"")
        }
        writer.put(",\"code\":\"")
        writer.put(properties.code)
        writer.put("\"")
        writeFooter(&writer, footer)
        writer.put("}}")
    }

    private func writeDetail(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, _ footer: [UInt8]
    ) {
        writer.put("{\"detail\":\"")
        // What clients of this shape know is about requests alone.
        let isOther = rate.map { $0.unit != .requests } ?? false
        writeMessage(&writer, properties, orRather: isOther ? "" : properties.detail)
        writer.put("\"")
        writeFooter(&writer, footer)
        writer.put("}")
    }

    /// What is said of credentials and limits has a shape of its own, without a footer; all else is as in
    /// `openai`, which clients of this shape know from there.
    private func writeWebscout(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, _ footer: [UInt8]
    ) {
        guard !properties.isValidation else { return writeValidation(&writer, properties, footer) }
        guard !properties.title.isEmpty else { return writeOpenAI(&writer, properties, footer) }
        writer.put("{\"error\":\"")
        writer.put(properties.title)
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
        rate?.writeDetails(&writer)
        writer.put("}}")
    }

    /// What is wrong with a body, as this shape has it: a list of members, which here is the body as a whole.
    private func writeValidation(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, _ footer: [UInt8]
    ) {
        writer.put(
            "{\"error\":{\"message\":\"Request validation error.\",\"details\":[{\"loc\":[\"body\"],\"message\":\"")
        writeMessage(&writer, properties)
        writer.put("\",\"type\":\"value_error\"}],\"type\":\"validation_error\"")
        writeFooter(&writer, footer)
        writer.put("}}")
    }

    /// - Parameter other: what the shape says instead; empty for nothing else.
    private func writeMessage(
        _ writer: inout ByteWriter, _ properties: LocalReply.Properties, orRather other: StaticString = ""
    ) {
        guard other.isEmpty else { return writer.put(other) }
        if let rate { return rate.writeMessage(&writer, named: shape == .openai) }
        writer.put(properties.message)
        if reply == .bodyTooLarge || reply == .bodyTooLargeToInspect { writer.put(decimal: bound) }
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
