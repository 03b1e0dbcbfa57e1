/// Names of hosts as URLs, `host:` and origins write them.
enum HostNames {
    /// Lower-case, checked; nil for what is neither a DNS name (RFC 1123 §2.1, `_` allowed) nor an IPv4
    /// address.
    static func normalized(_ text: String) -> String? {
        guard !text.isEmpty, text.utf8.count <= 253 else { return nil }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let areValid = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
                && label.utf8.last != UInt8(ascii: "-")
                && label.utf8.allSatisfy {
                    ASCII.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        }
        guard areValid else { return nil }
        // Why: a name whose last label is a number is an address to every resolver (WHATWG URL §3.5).
        if labels[labels.count - 1].utf8.allSatisfy(ASCII.isDigit) {
            return IPAddress.parseV4(text).map(IPAddress.text)
        }
        return ASCII.lowercased(text)
    }

    static func hint(_ text: String) -> String? {
        text.utf8.contains { $0 >= 0x80 } ? "write the name in its `xn--` form" : nil
    }
}

extension Form where Value == HostConfig {
    static var host: Form {
        let wanted = "a host such as `api.example.com` or `*.example.com`, without a port"
        return .scalar(wanted, schema: .string, standIn: .any) { (scalar) throws(Mismatch) in
            let text = scalar.text
            if text == "*" {
                throw Mismatch(text: "must be \(wanted)", hint: "leave `host` out for every host")
            }
            if text.hasPrefix("*."), let name = HostNames.normalized(String(text.dropFirst(2))) {
                return .suffix("." + name)
            }
            if text.hasPrefix("["), text.hasSuffix("]"),
                let address = IPAddress.parse(text.dropFirst().dropLast()),
                address.count == 16
            {
                return .exact("[\(IPAddress.text(address))]")
            }
            guard let name = HostNames.normalized(text) else {
                throw Mismatch(text: "must be \(wanted)", hint: HostNames.hint(text))
            }
            return .exact(name)
        }
    }
}
