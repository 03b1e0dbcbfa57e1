import JSON

/// The claims of a token whose signature was good (RFC 7519 §4), read strictly.
struct JWTClaims {
    typealias Refusal = JWTVerifier.Refusal

    /// The end of the year 9999: a time beyond is none, or in milliseconds.
    static let timeMax: Double = 253_402_300_799
    /// Most bytes of what names a caller.
    static let callerBytesMax = 256

    let tree: JSONValue

    init(_ payload: [UInt8]) throws(Refusal) {
        guard let tree = CompactJWS.object(payload) else { throw .malformed }
        self.tree = tree
    }

    /// The claim of exactly this name; else, where the name has dots, the one that it leads to through
    /// objects. `null` counts as none.
    func claim(_ name: String) -> JSONValue? {
        if let exact = tree[name] { return exact == .null ? nil : exact }
        var found: JSONValue? = tree
        for step in name.split(separator: ".", omittingEmptySubsequences: false) {
            found = found?[String(step)]
        }
        return found == .null ? nil : found
    }

    /// Seconds since 1970, fractions allowed (RFC 7519 §2, NumericDate); nil: there is none.
    /// - Throws: `.malformed` for anything but a number of the years 1970 to 9999.
    func time(_ name: String) throws(Refusal) -> Double? {
        guard let value = tree[name] else { return nil }
        let seconds: Double?
        switch value {
        case .integer(let whole): seconds = Double(whole)
        case .number(let text): seconds = Double(text)
        case .null, .bool, .string, .array, .object: seconds = nil
        }
        guard let seconds, seconds >= 0, seconds <= JWTClaims.timeMax else { throw .malformed }
        return seconds
    }

    /// `aud` as a list (RFC 7519 §4.1.3).
    func audiences() throws(Refusal) -> [String] {
        guard let value = claim("aud") else { throw .claimMissing("aud") }
        if let one = value.text { return [one] }
        guard let items = value.items else { throw .malformed }
        return try texts(items)
    }

    /// What names somebody: text that is not empty and holds no control character, or a whole number.
    func name(_ claimName: String) throws(Refusal) -> String {
        guard let value = claim(claimName) else { throw .claimMissing(claimName) }
        if let number = value.integer { return String(number) }
        guard let text = value.text, !text.isEmpty, text.utf8.count <= JWTClaims.callerBytesMax,
            !text.unicodeScalars.contains(where: { JWTClaims.isControl($0) })
        else { throw .malformed }
        return text
    }

    /// Requests per minute; nil: there is no such claim.
    func limit(_ name: String) throws(Refusal) -> Int? {
        guard let value = claim(name) else { return nil }
        guard let number = value.integer, (1...1_000_000).contains(number) else { throw .malformed }
        return Int(number)
    }

    /// Names of models, one or several; empty: there is no such claim, and every model is meant.
    /// - Throws: for an empty list as well: it would let in everywhere whoever may go nowhere.
    func models(_ name: String) throws(Refusal) -> [String] {
        guard let value = claim(name) else { return [] }
        let names = if let one = value.text { [one] } else { try texts(value.items ?? []) }
        guard !names.isEmpty, !names.contains("") else { throw .malformed }
        return names
    }

    private func texts(_ items: [JSONValue]) throws(Refusal) -> [String] {
        var texts: [String] = []
        for item in items {
            guard let text = item.text else { throw .malformed }
            texts.append(text)
        }
        return texts
    }

    /// C0, DEL, C1 and the line ends of Unicode: none of them belongs into a log.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }
}
