/// How many tokens the strings of a request body come to, before an upstream says it.
///
/// A heuristic, for a reservation that is settled by what the upstream reports: four ASCII bytes make a
/// token, two other bytes do, and each message has a few of its own. Escapes count as they are written: a
/// `\u` escape is then as much as the two or three bytes that it stands for. Base64 (files, images) does not
/// grow by its bytes: a string that begins with `data:`, or a long one without any gap, counts
/// `blobTokens`.
struct InputEstimate {
    static let messageTokens: UInt64 = 4
    static let blobTokens: UInt64 = 1000
    /// Bytes from which on a string without a gap is taken for base64.
    static let blobBytesMin = 4096

    private var asciiBytes: UInt64 = 0
    private var otherBytes: UInt64 = 0
    private var fixedTokens: UInt64 = 0

    var tokens: UInt64 { (asciiBytes &+ 3) / 4 &+ (otherBytes &+ 1) / 2 &+ fixedTokens }

    mutating func addMessage() { fixedTokens &+= InputEstimate.messageTokens }

    @inline(__always)
    mutating func add(_ string: RequestString, of base: UnsafeRawPointer) {
        if string.count >= 5, InputEstimate.isBlob(base + string.start, string) {
            fixedTokens &+= InputEstimate.blobTokens
        } else {
            asciiBytes &+= UInt64(truncatingIfNeeded: string.count &- string.otherCount)
            otherBytes &+= UInt64(truncatingIfNeeded: string.otherCount)
        }
    }

    @inline(__always)
    private static func isBlob(_ start: UnsafeRawPointer, _ string: RequestString) -> Bool {
        if isData(start) { return true }
        guard string.count >= blobBytesMin else { return false }
        return string.otherCount == 0 && !hasGap(start, string.count)
    }

    /// `data:`, of at least five octets.
    @inline(__always)
    private static func isData(_ start: UnsafeRawPointer) -> Bool {
        start.loadUnaligned(as: UInt32.self) == UInt32(littleEndian: 0x6174_6164)
            && ByteScan.octet(start, 4) == Byte.colon
    }

    /// A space, or an escape other than `\/`, as which some write the `/` of base64.
    private static func hasGap(_ base: UnsafeRawPointer, _ count: Int) -> Bool {
        var offset = JSONScan.wordEnd(base, from: 0, end: count)
        while offset < count {
            guard ByteScan.octet(base, offset) == UInt8(ascii: "\\"),
                ByteScan.octet(base, offset + 1) == UInt8(ascii: "/")
            else { return true }
            offset = JSONScan.wordEnd(base, from: offset + 2, end: count)
        }
        return false
    }
}
