extension Form where Value == EndpointURL {
    /// `http://host[:port][/path]` or `https://…`: no userinfo, no query, no fragment.
    static var endpointURL: Form {
        let wanted = "a URL such as `https://api.example.com/v1`"
        let standIn = EndpointURL(scheme: .http, host: "", port: 80, basePath: "", authority: "")
        return .scalar(wanted, schema: .string(pattern: "^https?://[^?#@]+$"), standIn: standIn) {
            (scalar) throws(Mismatch) in try URLParts.parse(scalar.text, wanted: wanted)
        }
    }
}

/// The parts of an upstream's URL (RFC 3986 §3), each checked.
enum URLParts {
    static func parse(_ text: String, wanted: String) throws(Mismatch) -> EndpointURL {
        let scalars = Array(text.utf8)
        let lower = ASCII.lowercased(text)
        let scheme: EndpointURL.Scheme
        if lower.hasPrefix("https://") {
            scheme = .https
        } else if lower.hasPrefix("http://") {
            scheme = .http
        } else {
            let hint = lower.contains("://") ? "only http and https" : "write `https://` in front"
            throw Mismatch(text: "must be \(wanted)", hint: hint)
        }
        let rest = scalars.dropFirst(scheme == .https ? 8 : 7)
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        guard !authority.contains(UInt8(ascii: "@")) else {
            // Why not shown: what stands before the `@` is a password as a rule.
            let hint = "set the credential in `request_headers` of the route"
            throw Mismatch(
                text: "must not hold a user or password", hint: hint, isHintFixed: true, showsFound: false)
        }
        guard !rest.contains(UInt8(ascii: "?")), !rest.contains(UInt8(ascii: "#")) else {
            throw Mismatch(text: "must not have a query or fragment")
        }
        let path = String(decoding: rest.dropFirst(authority.count), as: UTF8.self)
        let (host, port) = try split(String(decoding: authority, as: UTF8.self), scheme)
        let shown = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return EndpointURL(
            scheme: scheme, host: host, port: port, basePath: try basePath(path),
            authority: port == defaultPort(scheme) ? shown : "\(shown):\(port)")
    }

    static func defaultPort(_ scheme: EndpointURL.Scheme) -> UInt16 { scheme == .https ? 443 : 80 }

    private static func split(_ authority: String, _ scheme: EndpointURL.Scheme) throws(Mismatch) -> (
        String, UInt16
    ) {
        var host = authority
        var port = defaultPort(scheme)
        let afterBracket = authority.utf8.lastIndex(of: UInt8(ascii: "]")) ?? authority.startIndex
        if let colon = authority.utf8[afterBracket...].firstIndex(of: UInt8(ascii: ":")) {
            let digits = String(authority[authority.utf8.index(after: colon)...])
            guard let number = ASCII.number(digits, max: 65535), number > 0 else {
                let isBare = IPAddress.parse(authority)?.count == 16
                throw Mismatch(
                    text: "must have a port from 1 to 65535",
                    hint: isBare ? "write the address as `[\(authority)]`" : nil)
            }
            host = String(authority[..<colon])
            port = UInt16(number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard let address = IPAddress.parse(host.dropFirst().dropLast()), address.count == 16 else {
                throw Mismatch(text: "must hold an IPv6 address between the brackets")
            }
            return (IPAddress.text(address), port)
        }
        guard let name = HostNames.normalized(host) else {
            throw Mismatch(
                text: host.isEmpty ? "must have a host" : "must have a valid host", hint: HostNames.hint(host)
            )
        }
        return (name, port)
    }

    private static func basePath(_ path: String) throws(Mismatch) -> String {
        var kept = path[...]
        while kept.hasSuffix("/") { kept = kept.dropLast() }
        return kept.isEmpty ? "" : try PathText.checked(String(kept))
    }
}
