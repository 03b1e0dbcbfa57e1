import Glibc
import Testing

@testable import Proxy

private func body(
    _ reply: LocalReply, _ shape: ErrorShape, footer: String = "", bound: UInt64 = 10,
    rate: RateRefusal? = nil
) -> String {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
    defer { buffer.deallocate() }
    var writer = ByteWriter(buffer)
    ErrorBody(reply: reply, shape: shape, bound: bound, rate: rate).write(&writer, footer: Array(footer.utf8))
    return String(decoding: writer.bytes, as: UTF8.self)
}

@Suite(.tags(.fast)) struct ErrorBodyTests {
    @Test func `every reply has every shape`() {
        for reply in LocalReply.allCases {
            let row = reply.properties
            var message = "\(row.message)"
            if reply == .bodyTooLarge || reply == .bodyTooLargeToInspect { message += "10" }
            let openai = body(reply, .openai)
            let plain = row.openaiMessage.isEmpty ? message : "\(row.openaiMessage)"
            let param = row.param.isEmpty ? "null" : "\"\(row.param)\""
            let expected =
                "{\"error\":{\"message\":\"\(plain)\",\"type\":\"\(row.type)\",\"param\":\(param),"
                + "\"code\":\"\(row.code)\"}}\n"
            #expect(openai == expected)
            let detail = row.detail.isEmpty ? message : "\(row.detail)"
            #expect(body(reply, .detail) == "{\"detail\":\"\(detail)\"}\n")
            let webscout = body(reply, .webscout)
            guard !row.isValidation else {
                #expect(
                    webscout.contains("\"message\":\"\(message)\"")
                        && webscout.hasSuffix("\"type\":\"validation_error\"}}\n"), "\(webscout)")
                continue
            }
            guard !row.title.isEmpty else {
                #expect(webscout == openai)
                continue
            }
            let title = "\(row.title)"
            #expect(
                webscout.hasPrefix(
                    "{\"error\":\"\(title)\",\"code\":\"\(ErrorBody.code(of: row, .webscout))\","
                        + "\"details\":{\"message\":\"\(message)\""), "\(webscout)")
            #expect(webscout.hasSuffix("}}\n"))
        }
    }

    @Test func `a credential is refused in the words that clients of each shape know`() {
        let table: [(LocalReply, detail: String, title: String, code: String)] = [
            (.credentialMissing, "Not authenticated", "API key required", "missing_api_key"),
            (.credentialUnknown, "Invalid API key provided", "API key not found", "invalid_api_key"),
            (.credentialMalformed, "Invalid API key provided", "Invalid API key format", "invalid_api_key"),
            (.credentialInactive, "Invalid API key provided", "API key is inactive", "invalid_api_key"),
            (.credentialExpired, "Invalid API key provided", "API key has expired", "invalid_api_key"),
            (.tokenInvalid, "Invalid or expired token", "Invalid API key format", "invalid_api_key"),
            (.tokenExpired, "Invalid or expired token", "API key has expired", "invalid_api_key"),
        ]
        for (reply, detail, title, code) in table {
            #expect(body(reply, .detail) == "{\"detail\":\"\(detail)\"}\n")
            let webscout = body(reply, .webscout)
            #expect(
                webscout.hasPrefix("{\"error\":\"\(title)\",\"code\":\"\(code)\",\"details\":{\"message\":\"")
            )
            #expect(webscout.contains("\"format\":\"Authorization: Bearer") == (reply == .credentialMissing))
            #expect("\(ErrorBody.code(of: reply.properties, .webscout))" == code)
            let openai = body(reply, .openai)
            #expect(openai.hasPrefix("{\"error\":{\"message\":\"Invalid API key provided\","))
            #expect(
                openai.hasSuffix(
                    "\"type\":\"authentication_error\",\"param\":null,\"code\":\"invalid_api_key\"}}\n"))
        }
    }

    @Test func `a footer stands in every shape that has one, as it is`() {
        let footer = "\"see https://status.test\""
        #expect(
            body(.unknownURL, .openai, footer: footer).hasSuffix(
                "\"code\":\"unknown_url\",\"footer\":\(footer)}}\n"))
        #expect(
            body(.unknownURL, .detail, footer: footer)
                == "{\"detail\":\"No route serves this URL.\",\"footer\":\(footer)}\n")
        #expect(
            body(.unknownURL, .webscout, footer: footer) == body(.unknownURL, .openai, footer: footer))
        // Of credentials and limits it has none.
        #expect(
            body(.credentialMissing, .webscout, footer: footer) == body(.credentialMissing, .webscout))
    }
}
