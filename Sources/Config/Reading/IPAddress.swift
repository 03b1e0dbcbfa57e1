/// Numeric IP addresses, read strictly and written canonically.
enum IPAddress {
    /// Four bytes of a dotted quad or sixteen of RFC 4291 §2.2 text; no zone, no leading zeros in a quad.
    static func parse(_ text: some StringProtocol) -> [UInt8]? {
        text.utf8.contains(UInt8(ascii: ":")) ? parseV6(String(text)) : parseV4(text)
    }

    static func parseV4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        let bytes = parts.compactMap { ASCII.number($0, max: 255).map { UInt8($0) } }
        return bytes.count == 4 ? bytes : nil
    }

    private static func parseV6(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 45 else { return nil }
        // Why by hand: `::` may stand once, for one group of zeros or more.
        let halves = splitAtDoubleColon(text)
        guard let front = groups(halves.front, mayEndInQuad: halves.back == nil) else { return nil }
        guard let backText = halves.back else { return front.count == 16 ? front : nil }
        guard let back = groups(backText, mayEndInQuad: true), front.count + back.count <= 14 else {
            return nil
        }
        return front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
    }

    private static func splitAtDoubleColon(_ text: String) -> (front: String, back: String?) {
        let bytes = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        guard bytes.count >= 2,
            let at = (0..<(bytes.count - 1)).first(where: { bytes[$0] == colon && bytes[$0 + 1] == colon })
        else { return (text, nil) }
        return (
            String(decoding: bytes[..<at], as: UTF8.self), String(decoding: bytes[(at + 2)...], as: UTF8.self)
        )
    }

    private static func groups(_ text: String, mayEndInQuad: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if mayEndInQuad, index == parts.count - 1, let quad = parseV4(part) {
                bytes += quad
                continue
            }
            guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ ASCII.hexValue($0) != nil }),
                let value = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
        return bytes.count <= 16 ? bytes : nil
    }

    /// RFC 5952: lower case, no leading zeros, the longest run of zeros as `::`.
    static func text(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        let hex = { (range: Range<Int>) in groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? hex(0..<8) : hex(0..<best.lowerBound) + "::" + hex(best.upperBound..<8)
    }
}

extension Form where Value == CIDR {
    /// `10.0.0.0/8`; a bare address is a range of one.
    static var cidr: Form {
        let wanted = "an address range such as `10.0.0.0/8`"
        let standIn = CIDR(address: [127, 0, 0, 1], prefixLength: 32)
        return .scalar(wanted, schema: .string(pattern: "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"), standIn: standIn) {
            (scalar) throws(Mismatch) in
            let parts = scalar.text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let address = IPAddress.parse(parts[0]) else {
                throw Mismatch(text: "must be \(wanted)")
            }
            let bits = address.count * 8
            guard parts.count == 2 else { return CIDR(address: address, prefixLength: bits) }
            guard let length = ASCII.number(parts[1], max: UInt64(bits)).map({ Int($0) }) else {
                throw Mismatch(text: "must have a prefix length from 0 to \(bits)")
            }
            let network = masked(address, length)
            guard network == address else {
                let right = "\(IPAddress.text(network))/\(length)"
                throw Mismatch(
                    text: "has bits set behind its prefix length", hint: "did you mean `\(right)`?")
            }
            return CIDR(address: address, prefixLength: length)
        }
    }

    private static func masked(_ address: [UInt8], _ length: Int) -> [UInt8] {
        address.enumerated().map { index, byte in
            let kept = max(0, min(8, length - index * 8))
            return kept == 0 ? 0 : byte & (0xFF << UInt8(8 - kept))
        }
    }
}

extension Form where Value == BindAddress {
    /// `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`, `unix:/path`.
    static var bindAddress: Form {
        let wanted = "an address such as `127.0.0.1:8000`, `[::1]:8000` or `unix:/run/headgate.sock`"
        return .scalar(wanted, schema: .string(pattern: "^(unix:/.+|.+:[0-9]+)$"), standIn: .unix(path: "")) {
            (scalar) throws(Mismatch) in
            let text = scalar.text
            if text.hasPrefix("unix:") { return .unix(path: try UnixPath.checked(String(text.dropFirst(5)))) }
            guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else {
                let isPort = ASCII.number(text, max: 65535) != nil
                throw Mismatch(
                    text: "must be \(wanted)",
                    hint: isPort ? "write `127.0.0.1:\(text)`" : "the port is missing")
            }
            let port = String(text[text.utf8.index(after: colon)...])
            guard let number = ASCII.number(port, max: 65535) else {
                throw Mismatch(text: "must end in a port from 0 to 65535")
            }
            return .ip(host: try host(String(text[..<colon]), port: port, wanted), port: UInt16(number))
        }
    }

    private static func host(_ text: String, port: String, _ wanted: String) throws(Mismatch) -> String {
        if text == "localhost" { return text }
        if text.isEmpty || text == "*" {
            let hint =
                "write `127.0.0.1:\(port)` for this machine, `0.0.0.0:\(port)` or `[::]:\(port)` for everybody"
            throw Mismatch(text: "must name an address", hint: hint)
        }
        if text.hasPrefix("["), text.hasSuffix("]"),
            let address = IPAddress.parse(text.dropFirst().dropLast()),
            address.count == 16
        {
            return IPAddress.text(address)
        }
        guard let address = IPAddress.parse(text) else {
            throw Mismatch(text: "must be \(wanted)", hint: "names other than `localhost` cannot be bound")
        }
        guard address.count == 4 else {
            throw Mismatch(text: "must be \(wanted)", hint: "write `[\(text)]:\(port)`")
        }
        return IPAddress.text(address)
    }
}

/// Paths of Unix sockets.
enum UnixPath {
    /// `sun_path` of unix(7) without its NUL.
    static let byteCountMax = 107

    static func checked(_ path: String) throws(Mismatch) -> String {
        guard path.hasPrefix("/"), path.utf8.count > 1, !path.utf8.contains(0) else {
            throw Mismatch(text: "must be an absolute path")
        }
        guard path.utf8.count <= byteCountMax else {
            throw Mismatch(text: "must be a path of at most \(byteCountMax) bytes", showsFound: false)
        }
        return path
    }
}
