/// What somebody asks of the admin endpoint: the little of HTTP/1.1 that it speaks, one request per
/// connection, an answer, the end.
struct AdminRequest: Equatable {
    let method: String
    /// Without the query, and without `.txt` at its end.
    let path: String
    /// The path ended in `.txt`: text for people is wanted in place of JSON.
    var wantsText = false
    /// Escapes taken out; the last of several with one name.
    var query: [String: String] = [:]
    /// Value of `Authorization`; nil: none was sent.
    var authorization: String?
    /// Bytes of the body that follows the head.
    var contentLength = 0
    var body: [UInt8] = []
    /// Came by the Unix socket, or with the token: may be told names and reasons.
    var isTrusted = false
    /// What stands in the place of `{…}` in the path of its route; empty where there is none.
    var parameter = ""

    /// Of a head, in bytes.
    static let headMax = 16 << 10

    /// Reads a head, without the empty line at its end.
    /// - Returns: nil for what is no request, or one that says in another way than by `Content-Length` how
    ///   long its body is.
    init?(head: ArraySlice<UInt8>) {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ", omittingEmptySubsequences: false) ?? []
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), words[1].hasPrefix("/") else { return nil }
        let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let isText = target[0].hasSuffix(".txt")
        self.init(method: String(words[0]), path: String(isText ? target[0].dropLast(4) : target[0]))
        wantsText = isText
        if target.count > 1 { query = AdminRequest.pairs(target[1]) }
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            switch line[..<colon].lowercased() {
            case "content-length":
                let isNumber = !value.isEmpty && value.utf8.allSatisfy { (0x30...0x39).contains($0) }
                guard isNumber, let length = Int(value) else { return nil }
                contentLength = length
            case "authorization": authorization = String(value)
            case "transfer-encoding": return nil
            case _: break
            }
        }
    }

    init(method: String, path: String) {
        self.method = method
        self.path = path
    }

    private static func pairs(_ query: Substring) -> [String: String] {
        var pairs: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            pairs[unescaped(parts[0])] = parts.count > 1 ? unescaped(parts[1]) : ""
        }
        return pairs
    }

    /// `%2F` as `/`; what is no escape stays as it is.
    static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
            if byte == UInt8(ascii: "%"), digits.count == 2 {
                bytes.append(UInt8(digits[0] << 4 | digits[1]))
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
