/// What a place in the tree can hold, by the keys above it.
enum SecretContext {
    /// The top of the file.
    case root
    case open
    /// In a mapping from names of the user's choice.
    case names
    /// In `upstreams`.
    case upstreams
    /// An entry of it.
    case upstream
    /// An entry whose name sounds like a secret, such as `limits.per-key`: a scalar must be one, put there by
    /// mistake; a mapping is what belongs there.
    case suspect
    /// In `request_headers` or `response_headers`.
    case edits
    /// In a mapping from header names.
    case fields
    /// A header's value, or below a sensitive name.
    case secret
    /// In `provision` of an upstream's `key`.
    case provision
    /// `env` of a typed reference, `variables` of `env-key`.
    case variable
    /// `file` or `credential` of a typed reference: says where the secret is.
    case reference

    /// Of the value under a key.
    func below(_ key: String) -> SecretContext {
        if key == "<<" { return self }
        switch self {
        case .root where key == "upstreams": return .upstreams
        case .root where SecretContext.sections.contains(key): return .names
        case .names: return SecretSigns.isSensitive(name: key) ? .suspect : .open
        case .upstreams: return SecretSigns.isSensitive(name: key) ? .suspect : .upstream
        case .upstream where key == "key", .suspect where key == "key", .provision where key == "key":
            return .secret
        case .root, .open, .upstream, .suspect, .provision:
            if key == "variables" { return .variable }
            if key == "previous_encryption_keys" { return .secret }
            if SecretContext.harmless.contains(key) { return .open }
            return SecretContext.container(key) ?? (SecretSigns.isSensitive(name: key) ? .secret : .open)
        case .edits: return key == "remove" ? .open : .fields
        case .fields, .variable, .reference: return .secret
        case .secret:
            if key == "env" { return .variable }
            if key == "provision" { return .provision }
            if SecretContext.harmlessInKey.contains(key) { return .open }
            return key == "file" || key == "credential" ? .reference : .secret
        }
    }

    private static let sections: Set<String> = ["listeners", "stores", "auth", "limits"]

    /// Keys of the file that hold no secret, whatever they sound like.
    private static let harmless: Set<String> = [
        "public_key", "key_name", "key_prefix", "key_min_length", "key_field", "password_cost",
        "password_min", "allow_shared_secret",
    ]

    /// Likewise beside a secret, in `key` of an upstream.
    private static let harmlessInKey: Set<String> = ["database", "remember", "min_length", "weight"]

    static func container(_ key: String) -> SecretContext? {
        switch key {
        case "request_headers", "response_headers": .edits
        case "set", "headers": .fields
        case _: nil
        }
    }

    /// Whether a scalar here must not be shown.
    func hides(_ text: String, _ style: YAMLEvent.Style) -> Bool {
        if SecretContext.isReference(text) { return false }
        if Expansion.isMalformed(text) || SecretSigns.looksSecret(text) { return true }
        switch self {
        case .root, .open, .names, .upstreams, .upstream, .provision, .reference: return false
        case .variable: return !Expansion.isName(text)
        case .edits, .fields, .suspect, .secret:
            guard style == .plain else { return true }
            switch CoreScalar(text) {
            case .null, .bool: return false
            case .integer, .float, .unrepresentable, .text: return true
            }
        }
    }

    /// `${NAME}` and `Bearer ${NAME}` name a secret and hold none.
    private static func isReference(_ text: String) -> Bool {
        guard text.utf8.last == UInt8(ascii: "}") else { return false }
        let lower = ASCII.lowercased(text)
        let scheme = ["bearer ", "basic "].first { lower.hasPrefix($0) } ?? ""
        let rest = text.unicodeScalars.dropFirst(scheme.unicodeScalars.count)
        return rest.starts(with: "${".unicodeScalars)
            && Expansion.isName(String(rest.dropFirst(2).dropLast()))
    }
}
