import Testing

@testable import Proxy

@Suite struct FieldLineReaderTests {
    @Test(arguments: [
        ("A:b", "b"), ("A: b", "b"), ("A:\t b \t ", "b"), ("A:", ""), ("A: \t ", ""),
        ("A: a  b", "a  b"),
        ("A: \u{E9}", "\u{E9}"), ("A: b:c: d", "b:c: d"), ("A: \"x\\\"\"", "\"x\\\"\""),
    ])
    func `whitespace around a value is no part of it`(line: String, value: String) {
        #expect(parseTrailers("\(line)\r\n\r\n").read?.lines.map(\.value) == [value])
    }

    @Test func `lines are read alike at every length and distance from the end of the memory`() {
        for nameLength in 1...34 {
            for valueLength in 0...34 {
                let name = String(repeating: "n", count: nameLength)
                let value = String(repeating: "v", count: valueLength)
                let text = "\(name): \(value)\r\n\r\n"
                #expect(parseTrailers(text).read?.lines == [ReadLine(name: name, value: value)])
                #expect(parseTrailers(text + "more and more and more").read?.byteCount == text.utf8.count)
            }
        }
    }

    @Test func `a control octet is refused at every place of a name and a value`() {
        for place in 0..<36 {
            for control in [UInt8(0), 0x01, 0x0A, 0x0D, 0x1F, 0x7F] {
                var octets = Array(repeating: UInt8(ascii: "a"), count: 36)
                octets[place] = control
                let text = String(decoding: octets, as: UTF8.self)
                #expect(parseTrailers("\(text): b\r\n\r\n").error == .fieldInvalid)
                #expect(parseTrailers("b:\(text)\r\n\r\n").error == .fieldInvalid)
            }
        }
    }
}
