/// Cross-origin answers of a route (Fetch standard, "CORS protocol").
extension CORSPolicy {
    func allows(origin: UnsafeRawBufferPointer) -> Bool {
        guard let origins else { return true }
        return origins.contains { $0.elementsEqual(origin) }
    }

    /// `Access-Control-…` fields of the upstream give way to the route's.
    static func owns(_ line: FieldLine, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let prefix: StaticString = "access-control-"
        let name = line.name.bytes(of: bytes)
        guard name.count > prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount where name[index] | 0x20 != prefix.utf8Start[index] | 0x20 {
            return false
        }
        return true
    }

    /// - Parameter origin: the request's; empty where there was none.
    func writeResponseFields(_ writer: inout ByteWriter, origin: UnsafeRawBufferPointer, isAllowed: Bool) {
        if origins != nil { writer.put("Vary: Origin\r\n") }
        guard isAllowed, !origin.isEmpty else { return }
        writeOrigin(&writer, origin)
        if !exposed.isEmpty {
            writer.put("Access-Control-Expose-Headers: ")
            writer.put(exposed)
            writer.put("\r\n")
        }
    }

    private func writeOrigin(_ writer: inout ByteWriter, _ origin: UnsafeRawBufferPointer) {
        writer.put("Access-Control-Allow-Origin: ")
        if origins == nil { writer.put("*") } else { writer.put(origin) }
        writer.put("\r\n")
        // Never with `*`: every page could then act with the user's credentials.
        if allowsCredentials && origins != nil { writer.put("Access-Control-Allow-Credentials: true\r\n") }
    }

    /// The answer to a preflight, without its status line.
    /// - Parameter asked: value of `Access-Control-Request-Headers`.
    func writePreflightFields(
        _ writer: inout ByteWriter, origin: UnsafeRawBufferPointer, isAllowed: Bool,
        asked: UnsafeRawBufferPointer
    ) {
        writer.put("Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n")
        guard isAllowed else { return }
        writeOrigin(&writer, origin)
        writer.put("Access-Control-Allow-Methods: ")
        writer.put(methods)
        if !headers.isEmpty || !asked.isEmpty {
            writer.put("\r\nAccess-Control-Allow-Headers: ")
            if headers.isEmpty { writer.put(asked) } else { writer.put(headers) }
        }
        writer.put("\r\nAccess-Control-Max-Age: ")
        writer.put(maxAge)
        writer.put("\r\n")
    }
}
