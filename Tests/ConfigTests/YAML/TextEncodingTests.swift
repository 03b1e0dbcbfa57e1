import Testing

@testable import Config

@Suite struct TextEncodingTests {
    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0x80], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3], [0xE2, 0x82], [0xE2, 0x82, 0x41],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func `ill-formed bytes are found where they begin`(_ bytes: [UInt8]) {
        #expect(TextEncoding.firstProblem(in: [0x61, 0x0A] + bytes)?.offset == 2)
    }

    @Test func `well-formed text of every length passes`() {
        #expect(TextEncoding.firstProblem(in: Array("aé€😀\u{10FFFF}\u{FFFD}\u{85}\t\r\n".utf8)) == nil)
    }

    @Test(arguments: [UInt8(0), 1, 0x0B, 0x1B, 0x7F]) func `control characters are refused`(_ byte: UInt8) {
        #expect(TextEncoding.firstProblem(in: [0x61, byte])?.offset == 1)
    }

    @Test func `a control character of two bytes is refused by its number`() {
        #expect(
            TextEncoding.firstProblem(in: [0xC2, 0x9B])?.message == "control character U+009B is not allowed")
    }

    @Test func `UTF-16 is called by its name`() {
        #expect(TextEncoding.firstProblem(in: [0xFF, 0xFE, 0x61, 0])?.message == "the file is UTF-16")
    }
}
