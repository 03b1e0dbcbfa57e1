import Stores

/// A key as people may see it: enough to tell two keys apart, not enough to use one.
public enum KeyMask {
    /// 15 stars and the last four characters; four stars alone for a key of less than eight.
    public static func text(_ key: Secret) -> String {
        let bytes = key.reveal()
        guard bytes.count >= 8 else { return "****" }
        let end = bytes.suffix(4).map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(repeating: "*", count: 15) + String(decoding: end, as: UTF8.self)
    }
}
