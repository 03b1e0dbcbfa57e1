import JSON

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

    var tokens: UInt64 { (asciiBytes + 3) / 4 + (otherBytes + 1) / 2 + fixedTokens }

    mutating func addMessage() { fixedTokens += InputEstimate.messageTokens }

    @inline(__always)
    mutating func add(_ string: JSONString, of body: UnsafeRawBufferPointer) {
        let count = string.range.count
        guard count >= 5 else {
            addText(string, of: body)
            return
        }
        let start = body.baseAddress! + string.range.lowerBound
        if start.loadUnaligned(as: UInt32.self) == UInt32(littleEndian: 0x6174_6164),
            ByteScan.octet(start, 4) == Byte.colon
        {
            fixedTokens += InputEstimate.blobTokens
        } else if count >= InputEstimate.blobBytesMin, string.isASCII, !hasGap(start, count) {
            fixedTokens += InputEstimate.blobTokens
        } else {
            addText(string, of: body)
        }
    }

    @inline(__always)
    private mutating func addText(_ string: JSONString, of body: UnsafeRawBufferPointer) {
        let count = string.range.count
        guard !string.isASCII else {
            asciiBytes += UInt64(count)
            return
        }
        let others = JSONScan.nonASCIICount(UnsafeRawBufferPointer(rebasing: body[string.range]))
        otherBytes += UInt64(others)
        asciiBytes += UInt64(count - others)
    }

    /// A space, or an escape other than `\/`, as which some write the `/` of base64.
    private func hasGap(_ base: UnsafeRawPointer, _ count: Int) -> Bool {
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
