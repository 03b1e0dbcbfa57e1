import COpenSSL

/// The one credential of a request, where it stands in the head. Read and forgotten within one turn: nothing
/// keeps it but a question to control, as a `PresentedCredential`.
struct Credential {
    enum Presence {
        case none
        case one(Credential)
        /// Two that differ: which of them counts is not for us to guess.
        case conflicting
    }

    /// Without the scheme. In the read buffer.
    let bytes: UnsafeRawBufferPointer
    /// The ways in which it came: entries that know none of them skip it. Empty where nobody takes it
    /// (`Basic`, a WebSocket subprotocol).
    private(set) var forms: CredentialSchemes

    /// `Authorization`, `x-api-key`, `api-key` and the subprotocols of a WebSocket, of each as many as there
    /// are. The same value twice is one. Empty values are none, but for `Authorization: Bearer`, which says
    /// that there is to be one.
    static func find(
        in fields: FieldTable, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Presence {
        var found: Credential?
        for index in 0..<head.fieldCount {
            let credential: Credential?
            switch fields.lines[index].known {
            case .authorization:
                credential = Credential(authorization: fields.lines[index].value.bytes(of: bytes))
            case .apiKey, .xApiKey: credential = Credential(key: fields.lines[index].value.bytes(of: bytes))
            case .other: credential = Credential(subprotocolOf: fields.lines[index], bytes)
            default: continue  // Why not listed: no other field carries a credential.
            }
            guard let credential else { continue }
            guard found != nil else {
                found = credential
                continue
            }
            guard credential.bytes.elementsEqual(found!.bytes) else { return .conflicting }
            found!.forms.formUnion(credential.forms)
        }
        return found.map { .one($0) } ?? .none
    }

    private init(_ bytes: UnsafeRawBufferPointer, _ forms: CredentialSchemes) {
        self.bytes = bytes
        self.forms = forms
    }

    /// `x-api-key`, `api-key`.
    private init?(key value: UnsafeRawBufferPointer) {
        guard !value.isEmpty else { return nil }
        self.init(value, .bearer)
    }

    /// RFC 9110 §11.4: a scheme, and behind spaces what belongs to it. What has no space is a scheme alone,
    /// or a key without one.
    private init?(authorization value: UnsafeRawBufferPointer) {
        guard !value.isEmpty else { return nil }
        let scheme: StaticString = "Bearer"
        let count = scheme.utf8CodeUnitCount
        if value.count >= count, value.count == count || value[count] == Byte.space,
            asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(rebasing: value[..<count]), scheme)
        {
            var start = count
            while start < value.count, value[start] == Byte.space { start += 1 }
            self.init(UnsafeRawBufferPointer(rebasing: value[start...]), .bearer)
        } else {
            self.init(value, value.contains(Byte.space) ? [] : .raw)
        }
    }

    private init?(subprotocolOf line: FieldLine, _ bytes: UnsafeRawBufferPointer) {
        guard let key = WebSocketFields.credential(line, bytes) else { return nil }
        self.init(key, [])
    }

    /// Three parts of base64url between dots (RFC 7515 §3.1), the last of which may be empty.
    var looksLikeJWT: Bool {
        var dots = 0
        var length = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard length > 0 else { return false }
                dots += 1
                length = 0
            } else {
                guard Credential.base64URL.contains(byte) else { return false }
                length += 1
            }
        }
        return dots == 2
    }

    /// Letters, digits, `-` and `_` (RFC 4648 §5).
    private static var base64URL: ByteSet { ByteSet(low: 0x03FF_2000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE) }

    /// Cost: no allocation; about 2,000 instructions for each 64 bytes begun where the CPU has none for it.
    var digest: KeyDigest {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { headgate_sha256(bytes.baseAddress, bytes.count, $0.baseAddress) }
        return KeyDigest(words: words)
    }
}
