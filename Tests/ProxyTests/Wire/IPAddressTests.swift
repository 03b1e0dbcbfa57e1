import Testing

@testable import Proxy

private func parse(_ text: String) -> IPAddress? {
    var text = text
    return text.withUTF8 { IPAddress(parsing: UnsafeRawBufferPointer($0)) }
}

@Suite(.tags(.fast)) struct IPAddressTests {
    @Test func `addresses are read as proxies write them`() {
        for (text, high, low) in [
            ("1.2.3.4", UInt64(0), UInt64(0xFFFF_0102_0304)), ("255.255.255.255:80", 0, 0xFFFF_FFFF_FFFF),
            ("0.0.0.0", 0, 0xFFFF_0000_0000), ("::", 0, 0), ("::1", 0, 1), ("[::1]", 0, 1),
            ("[::1]:443", 0, 1),
            ("2001:db8::", 0x2001_0DB8_0000_0000, 0), ("2001:DB8::1:0", 0x2001_0DB8_0000_0000, 0x1_0000),
            ("1:2:3:4:5:6:7:8", 0x0001_0002_0003_0004, 0x0005_0006_0007_0008),
            ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004, 0x0005_0006_0007_0000),
            ("::2:3:4:5:6:7:8", 0x0000_0002_0003_0004, 0x0005_0006_0007_0008),
            ("::ffff:1.2.3.4", 0, 0xFFFF_0102_0304), ("64:ff9b::1.2.3.4", 0x0064_FF9B_0000_0000, 0x0102_0304),
            ("1:2:3:4:5:6:1.2.3.4", 0x0001_0002_0003_0004, 0x0005_0006_0102_0304),
        ] {
            #expect(parse(text) == IPAddress(high: high, low: low), "\(text)")
        }
    }

    @Test func `what is no address is none`() {
        for text in [
            "", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..3.4", "1.2.3.4:",
            "1.2.3.4:x",
            "1.2.3.4:123456", "1.2.3.", ".1.2.3", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
            "12345::", "g::", "[::1", "[::1]x", "[]", "::1]", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3",
            "fe80::1%eth0",
            "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8::",
        ] {
            #expect(parse(text) == nil, "\(text)")
        }
    }

    @Test(arguments: UInt64(1)...20)
    func `bytes of any kind are read without harm`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("0123456789abcf:.[]%x".utf8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                alphabet.randomElement(using: &random)!
            }
            _ = bytes.withUnsafeBytes { IPAddress(parsing: $0) }
        }
    }

    @Test func `a list is read from its end, empty entries left out`() {
        let list = Array(" , 1.1.1.1 ,x,, 2.2.2.2\t".utf8)
        list.withUnsafeBytes { bytes in
            var reader = ForwardedForReader(bytes)
            #expect(reader.next() == .some(parse("2.2.2.2")))
            #expect(reader.next() == .some(nil))
            #expect(reader.next() == .some(parse("1.1.1.1")))
            #expect(reader.next() == nil)
            #expect(reader.next() == nil)
        }
    }
}
