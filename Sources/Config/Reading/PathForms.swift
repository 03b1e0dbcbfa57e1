/// Paths in the file are held to what a request path may be, in the same normal form, so that bytes can be
/// compared.
enum PathText {
    static let byteCountMax = 2048

    /// Unreserved escapes decoded, other escapes in upper case (RFC 3986 §6.2.2). Refuses what a request may
    /// not hold.
    static func checked(_ path: String) throws(Mismatch) -> String {
        guard path.hasPrefix("/") else {
            throw Mismatch(text: "must begin with `/`", hint: "write \(Quoting.quoted("/" + path))")
        }
        guard path.utf8.count <= byteCountMax else {
            throw Mismatch(text: "must be at most \(byteCountMax) bytes long", showsFound: false)
        }
        let normal = try decoded(Array(path.utf8))
        for segment in normal.split(separator: "/") where segment == "." || segment == ".." {
            throw Mismatch(text: "must not hold the segments `.` and `..`")
        }
        return normal
    }

    private static func decoded(_ bytes: [UInt8]) throws(Mismatch) -> String {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 1 < bytes.count, let high = ASCII.hexValue(bytes[index]),
                    let low = ASCII.hexValue(bytes[index + 1])
                else {
                    throw Mismatch(
                        text: "must not hold a `%` without two hexadecimal digits", hint: "write `%25`")
                }
                index += 2
                let value = high << 4 | low
                guard value != 0 else { throw Mismatch(text: "must not hold `%00`") }
                if isUnreserved(value) {
                    result.append(value)
                } else {
                    result += Array("%\(TextEncoding.hex(UInt32(value), digits: 2))".utf8)
                }
                continue
            }
            guard byte > 0x20, byte < 0x7F, !#"?#\"<>^`{|}"#.utf8.contains(byte) else {
                let escape = "%" + TextEncoding.hex(UInt32(byte), digits: 2)
                let hint =
                    byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
                    ? "routes look at the path only" : nil
                throw Mismatch(text: "must hold only what a path may hold", hint: hint ?? "write `\(escape)`")
            }
            result.append(byte)
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || "-._~".utf8.contains(byte)
    }
}

extension Form where Value == PathConfig {
    static var pathPattern: Form {
        let wanted = "a path: `/health`, `/v1/chat*`, `/v1/**` or `/**`"
        return .scalar(wanted, schema: .string(pattern: "^/[^*]*\\*{0,2}$"), standIn: .exact("/")) {
            (scalar) throws(Mismatch) in
            let text = scalar.text
            if scalar.core == .null { throw Mismatch(text: "must be \(wanted)") }
            let stars = text.utf8.count { $0 == UInt8(ascii: "*") }
            if stars == 0 { return .exact(try PathText.checked(text)) }
            if stars == 2, text.hasSuffix("/**") {
                let base = String(text.dropLast(3))
                return .subtree(base.isEmpty ? "" : try PathText.checked(base))
            }
            if stars == 1, text.hasSuffix("*") {
                return .prefix(try PathText.checked(String(text.dropLast())))
            }
            let hint =
                text.hasSuffix("**") && stars == 2
                ? "write \(Quoting.quoted(String(text.dropLast(2)) + "/**"))" : nil
            throw Mismatch(text: "may have `*` or `/**` only at its end", hint: hint)
        }
    }
}

extension Form where Value == String {
    /// A path to cut off or to put in front: no star; a trailing slash is dropped.
    static var pathPrefix: Form {
        .scalar("a path such as `/api`", schema: .string(pattern: "^/[^*]+$"), standIn: "/") {
            (scalar) throws(Mismatch) in
            guard !scalar.text.utf8.contains(UInt8(ascii: "*")) else {
                throw Mismatch(text: "must not hold a `*`")
            }
            var path = try PathText.checked(scalar.text)
            while path.hasSuffix("/") { path.removeLast() }
            guard !path.isEmpty else {
                throw Mismatch(text: "must be more than `/`", hint: "leave the key out")
            }
            return path
        }
    }
}
