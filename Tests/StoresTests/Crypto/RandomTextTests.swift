import Testing

@testable import Stores

@Test func `random text has its length and alphabet, and does not come twice`() {
    for count in [0, 1, 16, 32, 200] {
        #expect(RandomText.bytes(count).count == count)
        #expect(RandomText.hex(count).wholeMatch(of: /[0-9a-f]*/)?.0.count == 2 * count)
        #expect(RandomText.lettersAndDigits(count).wholeMatch(of: /[A-Za-z0-9]*/)?.0.count == count)
    }
    #expect(Set((0..<1000).map { _ in RandomText.hex(16) }).count == 1000)
    #expect(Set((0..<1000).map { _ in RandomText.lettersAndDigits(22) }).count == 1000)
}

@Test func `no letter comes more often than another`() {
    let count = 620_000
    var found: [UInt8: Int] = [:]
    for byte in RandomText.lettersAndDigits(count).utf8 { found[byte, default: 0] += 1 }
    #expect(found.count == 62)
    // 10,000 each, σ ≈ 99. With `byte % 62` the first eight would have 12,109.
    for (_, times) in found { #expect((9_200...10_800).contains(times)) }
}

@Test func `hex is read back, and nothing else is`() {
    #expect(lowercaseHex([0, 0x0F, 0xA0, 0xFF]) == "000fa0ff")
    #expect(hexBytes("000fA0Ff") == [0, 0x0F, 0xA0, 0xFF])
    #expect(hexBytes("") == [])
    for text in ["0", "0g", "g0", "0x", "00 ", "é0", "-1", "+1"] { #expect(hexBytes(text) == nil) }
}
