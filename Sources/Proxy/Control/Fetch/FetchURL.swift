/// An absolute http or https URL (RFC 9110 §4.2), taken apart.
struct FetchURL: Equatable {
    let isSecure: Bool
    /// Name or address, without brackets.
    let host: String
    let port: UInt16
    /// `host[:port]` as written: for `Host`.
    let authority: String
    /// Path and query; begins with `/`. A fragment is dropped.
    let target: String

    /// - Returns: nil for another scheme, a user or password, an empty host, a port that is none, and octets
    ///   that no URL has: a line end could begin another header line.
    init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > Byte.space && $0 < Byte.del }) else { return nil }
        let rest: Substring
        if text.lowercased().hasPrefix("https://") {
            (isSecure, rest) = (true, text.dropFirst(8))
        } else if text.lowercased().hasPrefix("http://") {
            (isSecure, rest) = (false, text.dropFirst(7))
        } else {
            return nil
        }
        let written = rest.prefix { !"/?#".contains($0) }
        guard !written.contains("@") else { return nil }
        let path = rest.dropFirst(written.count).prefix { $0 != "#" }
        target = path.hasPrefix("/") ? String(path) : "/" + path
        authority = String(written)
        var name = written
        var port = isSecure ? 443 : 80
        if let colon = written.lastIndex(of: ":"), !written.hasSuffix("]") {
            let digits = written[written.index(after: colon)...]
            guard let number = Int(digits), (1...65535).contains(number), digits.first?.isNumber ?? false
            else {
                return nil
            }
            port = number
            name = written[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard !name.isEmpty, !name.contains("["), !name.contains("]") else { return nil }
        host = String(name)
        self.port = UInt16(port)
    }
}
