import Stores

/// What a key for one upstream looks like. Whatever does not is never sent.
struct KeyFormat: Sendable, Equatable {
    /// What it begins with; empty: anything.
    var prefix = ""
    /// Bytes, the prefix included; there is one behind it in any case.
    var lengthMin = 1

    /// Why only what can be seen: a line break would begin another field, and a blank was pasted along.
    func accepts(_ key: Secret) -> Bool {
        let bytes = key.reveal()
        return bytes.count >= max(prefix.utf8.count + 1, lengthMin)
            && bytes.count <= TextRule.upstreamKeyBytesMax
            && bytes.starts(with: prefix.utf8) && bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// Without the white space around it: editors end a file with a line end.
    static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let rest = bytes.drop(while: isBlank)
        return Array(rest.reversed().drop(while: isBlank).reversed())
    }
}
