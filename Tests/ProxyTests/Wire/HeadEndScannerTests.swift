import Testing

@testable import Proxy

@Suite struct HeadEndScannerTests {
    private static let texts: [(String, HeadEnd)] = [
        (HeadParserTests.request, .found), (HeadParserTests.response, .found),
        ("\r\n" + HeadParserTests.request, .found),
        ("\r\n\r\n", .found), ("\r\n", .incomplete), ("", .incomplete), ("A", .incomplete),
        ("A\r\n\r", .incomplete),
        ("A\r\n\r\n", .found), ("\n", .invalid), ("A\n", .invalid), ("A\r\nB\n\r\n", .invalid),
        ("A\r\n\n", .invalid),
        ("A\r\n\r\r\nB", .incomplete), ("A\r\nB\r\n", .incomplete),
        ("A\r\n" + String(repeating: "b", count: 99), .incomplete),
    ]

    private func scan(_ bytes: [UInt8], steps: [Int], _ scanner: HeadEndScanner = HeadEndScanner()) -> HeadEnd
    {
        var scanner = scanner
        var end = HeadEnd.incomplete
        for count in steps where end == .incomplete {
            end = withExactBytes(Array(bytes[..<count])) { scanner.scan(UnsafeRawBufferPointer($0)) }
        }
        return end
    }

    @Test func `the end is found the same whole, octet by octet and at every split`() {
        for (text, expected) in Self.texts {
            let bytes = Array(text.utf8)
            #expect(scan(bytes, steps: [bytes.count]) == expected, "\(text.debugDescription)")
            #expect(scan(bytes, steps: Array(0...bytes.count)) == expected, "\(text.debugDescription)")
            for split in 0...bytes.count {
                #expect(
                    scan(bytes, steps: [split, bytes.count]) == expected, "\(text.debugDescription) \(split)")
            }
        }
    }

    @Test func `found comes with the octet that completes the head and not before`() {
        let bytes = Array(HeadParserTests.request.utf8)
        #expect(scan(bytes, steps: Array(0..<bytes.count)) == .incomplete)
    }

    @Test func `what is found is never incomplete to the parser`() {
        let alphabet = Array("G /:\r\n".utf8)
        var random = SeededGenerator(seed: 11)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in
                alphabet.randomElement(using: &random)!
            }
            guard scan(bytes, steps: [bytes.count]) == .found else { continue }
            #expect(parseRequest(bytes) != .incomplete, "\(bytes)")
            #expect(parseResponse(bytes) != .incomplete, "\(bytes)")
        }
    }

    @Test func `a trailer section may end with its first line`() {
        #expect(scan(Array("\r\n".utf8), steps: [1, 2], .trailers) == .found)
        #expect(scan(Array("A: b\r\n".utf8), steps: [6], .trailers) == .incomplete)
        #expect(scan(Array("A: b\r\n\r\n".utf8), steps: Array(0...8), .trailers) == .found)
    }
}
