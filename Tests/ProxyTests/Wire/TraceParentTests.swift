import Testing

@testable import Proxy

private func parse(_ text: String) -> TraceParent? {
    withExactBytes(text) { TraceParent(parsing: UnsafeRawBufferPointer($0)) }
}

@Suite(.tags(.fast)) struct TraceParentTests {
    private let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `the parts are read`() {
        let parsed = parse(valid)
        #expect(parsed?.traceHigh == 0x4bf9_2f35_77b3_4da6 && parsed?.traceLow == 0xa3ce_929d_0e0e_4736)
        #expect(parsed?.parentID == 0x00f0_67aa_0ba9_02b7 && parsed?.flags == 1)
        #expect(parse("00-0000000000000000000000000000000a-0000000000000001-00")?.traceLow == 10)
    }

    @Test func `of a later version what is known is read, whatever follows`() {
        for text in [
            "cc" + valid.dropFirst(2), "01" + valid.dropFirst(2) + "-more", "fe" + valid.dropFirst(2) + "-",
        ] {
            #expect(parse(String(text))?.parentID == 0x00f0_67aa_0ba9_02b7)
        }
    }

    @Test func `what is not valid is none`() {
        let zeroTrace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01"
        let zeroParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"
        let wrong = [
            "", String(valid.dropLast()), valid + "-", valid + "0", "ff" + valid.dropFirst(2),
            "01" + valid.dropFirst(2) + "x", valid.uppercased(), valid.replacing("-", with: "_"), zeroTrace,
            zeroParent, "0g" + valid.dropFirst(2), " " + valid,
        ]
        for text in wrong { #expect(parse(text) == nil, "\(text)") }
    }

    @Test func `no change of one byte is read as something else than it is`() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<5000 {
            var bytes = Array(valid.utf8)
            let at = Int.random(in: 0..<bytes.count, using: &random)
            bytes[at] = UInt8.random(in: 0...255, using: &random)
            let isDigit = (0x30...0x39).contains(bytes[at]) || (0x61...0x66).contains(bytes[at])
            let parsed = bytes.withUnsafeBytes { TraceParent(parsing: UnsafeRawBufferPointer($0)) }
            if [2, 35, 52].contains(at) {
                #expect((parsed != nil) == (bytes[at] == UInt8(ascii: "-")))
            } else if !isDigit {
                #expect(parsed == nil)
            }
        }
    }
}
