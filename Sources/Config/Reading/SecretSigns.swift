/// How a secret gives itself away: by the name that it stands under, or by its own form.
enum SecretSigns {
    /// Whether what stands under such a name is a secret, wherever that is: `Authorization`, `x-api-key`,
    /// `OPENAI_KEY`, `accessToken`.
    static func isSensitive(name: String) -> Bool { isSensitive(name: name.utf8.map(lowercased)[...]) }

    /// Credentials by their form: a scheme word, a well-known key prefix, userinfo in a URL, or a sensitive
    /// name with a value behind it.
    static func looksSecret(_ text: String) -> Bool { start(in: text.utf8.map(lowercased)) != nil }

    /// From where on a text must not be seen.
    /// - Parameters:
    ///   - text: in lower case, one byte for each character; what is not ASCII may be any byte above it.
    ///   - needsValue: false: a name that ends the text is a sign as well.
    ///   - isName: whether a name is a sign.
    static func start(
        in text: [UInt8], needsValue: Bool = true,
        isName: (ArraySlice<UInt8>) -> Bool = isSensitive
    ) -> Int? {
        var wordStart = 0
        var hasColon = false
        for (index, byte) in text.enumerated() {
            if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") {
                (wordStart, hasColon) = (index + 1, false)
            } else if byte == UInt8(ascii: "@"), hasColon {
                return wordStart
            } else if byte == UInt8(ascii: ":") || byte == UInt8(ascii: "=") {
                hasColon = true
                let rest = text[(index + 1)...]
                guard !needsValue || rest.contains(where: { $0 > 0x20 }) else { continue }
                if isName(name(before: index, in: text)) || isQueryKey(index, in: text) { return index + 1 }
            } else if index == 0 || !isNameByte(text[index - 1]),
                openings.contains(where: { text[index...].starts(with: $0) })
            {
                return index
            }
        }
        return nil
    }

    static func isSensitive(name: ArraySlice<UInt8>) -> Bool {
        guard !name.isEmpty, name.count <= 256 else { return false }
        let parts = name.split { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == 0x2E }
        if parts.contains(where: { $0.elementsEqual("bearer".utf8) || $0.elementsEqual("token".utf8) }) {
            return true
        }
        // Why not alone: `key` is what any table of anything calls its key.
        if parts.count > 1, parts.contains(where: { $0.elementsEqual("key".utf8) }) { return true }
        let joined = Array(parts.joined())
        return joined.suffix(5).elementsEqual("token".utf8) || words.contains { contains($0, in: joined) }
    }

    static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    private static let words = [
        "authorization", "password", "passwd", "passphrase", "secret", "apikey", "cookie",
    ].map { Array($0.utf8) }
    private static let openings = ["bearer ", "basic ", "sk-", "-----begin "].map { Array($0.utf8) }

    private static func contains(_ word: [UInt8], in text: [UInt8]) -> Bool {
        guard text.count >= word.count else { return false }
        return (0...(text.count - word.count)).contains {
            text[$0] == word[0] && text[$0...].starts(with: word)
        }
    }

    /// The name that ends before a separator, perhaps in quotes.
    private static func name(before end: Int, in text: [UInt8]) -> ArraySlice<UInt8> {
        var end = end
        while end > 0, text[end - 1] == 0x20 { end -= 1 }
        if end > 0, text[end - 1] == UInt8(ascii: "\"") || text[end - 1] == UInt8(ascii: "'") { end -= 1 }
        var start = end
        while start > 0, end - start < 256, isNameByte(text[start - 1]) { start -= 1 }
        return text[start..<end]
    }

    /// `?key=…`, as some APIs take theirs.
    private static func isQueryKey(_ index: Int, in text: [UInt8]) -> Bool {
        text[index] == UInt8(ascii: "=") && name(before: index, in: text).elementsEqual("key".utf8)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
