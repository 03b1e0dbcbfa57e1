import JSON

/// A JWS in its compact form, taken apart (RFC 7515 §7.1): what it says of itself is read, nothing of it is
/// believed yet.
struct CompactJWS {
    /// Most bytes of a token, and of its header as encoded.
    static let bytesMax = 16 << 10
    static let headerBytesMax = 4 << 10

    /// `alg`, as written.
    let algorithm: String
    /// `kid`.
    let keyID: String?
    /// What was signed: header and payload as they came, with the dot.
    let signed: [UInt8]
    let payload: [UInt8]
    let signature: [UInt8]

    /// Members of the header that are not known are ignored, those that would bring a key along (`jwk`,
    /// `jku`, `x5c`, `x5u`) among them. A `crit` is refused whatever it names, for no extension is known
    /// (§4.1.11), and so is an unencoded payload (RFC 7797).
    ///
    /// - Returns: nil where it is not three base64url parts with a JSON object in front, or beyond the
    ///   bounds.
    init?(_ token: [UInt8]) {
        guard token.count <= CompactJWS.bytesMax else { return nil }
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count <= CompactJWS.headerBytesMax else { return nil }
        guard let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { return nil }
        guard let members = CompactJWS.object(header), let algorithm = members["alg"]?.text,
            members["crit"] == nil, members["b64"]?.bool ?? true
        else { return nil }
        if let id = members["kid"] {
            guard let id = id.text else { return nil }
            keyID = id
        } else {
            keyID = nil
        }
        self.algorithm = algorithm
        signed = Array(token[..<parts[1].endIndex])
        self.payload = payload
        self.signature = signature
    }

    /// - Returns: nil for anything but one JSON object without a member twice (RFC 8725 §2.6 has a reason).
    static func object(_ bytes: [UInt8]) -> JSONValue? {
        do throws(JSONError) {
            let tree = try JSONValue.parse(bytes, limitBytes: bytesMax)
            return tree.members == nil ? nil : tree
        } catch { return nil }
    }
}
