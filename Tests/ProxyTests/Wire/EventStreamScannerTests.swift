import Testing

@testable import Proxy

@Suite struct EventStreamScannerTests {
    /// Whether `[DONE]` is seen in `bytes` cut at `cuts`.
    private func sees(_ bytes: [UInt8], cuts: [Int] = []) -> Bool {
        var scanner = EventStreamScanner()
        var start = 0
        for end in cuts + [bytes.count] {
            withExactBytes(Array(bytes[start..<end])) { scanner.scan(UnsafeRawBufferPointer($0)) }
            start = end
        }
        return scanner.sawDone
    }

    private func framed(_ text: String, chunk: Int) -> String {
        let bytes = Array(text.utf8)
        var output = ""
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            let piece = bytes[start..<min(start + chunk, bytes.count)]
            output += "\(String(piece.count, radix: 16))\r\n\(String(decoding: piece, as: UTF8.self))\r\n"
        }
        return output
    }

    private static let event =
        "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"hello [DONE]\"}}]}\n\n"

    private static let ended = [
        "data: [DONE]\n\n", "data:[DONE]\n\n", "data: [DONE]\r\n\r\n", "data: [DONE]\r\r",
        "data: [DONE]\n",
        event + "data: [DONE]\n\n", event + event + event + "data: [DONE]\r\n\r\n",
        ": comment\n\n" + event + "event: x\ndata:[DONE]\n\n", "dat\ndata: [DONE]\n\n",
        "dada\r\nda\r\ndata: [DONE]\n",
        "\n\n\n\n\n\n\n\n\n\n\n\ndata: [DONE]\n\n\n\n\n\n\n\n\n\n\n\n\n",
    ]

    private static let notEnded = [
        "", "data", "data: [DONE]", "data: [DONE", event, event + event, "xdata: [DONE]\n\n",
        "data: [DONE]x\n\n",
        "data:  [DONE]\n\n", "data:: [DONE]\n\n", "Data: [DONE]\n\n", "data: [DONE] \n\n",
        "data: \n[DONE]\n\n",
        "event: [DONE]\n\n", "data: data: [DONE]\n\n", "data: DONE\n\n", "datadata: [DONE]\n",
    ]

    @Test func `the end is seen whole, octet by octet and at every split`() {
        for text in Self.ended {
            let bytes = Array(text.utf8)
            #expect(sees(bytes), "\(text.debugDescription)")
            #expect(sees(bytes, cuts: Array(0..<bytes.count)), "\(text.debugDescription)")
            for cut in 0...bytes.count {
                #expect(sees(bytes, cuts: [cut]), "\(text.debugDescription) \(cut)")
            }
        }
    }

    @Test func `what is not the end is not seen, however it is cut`() {
        for text in Self.notEnded {
            let bytes = Array(text.utf8)
            #expect(!sees(bytes), "\(text.debugDescription)")
            #expect(!sees(bytes, cuts: Array(0..<bytes.count)), "\(text.debugDescription)")
            for cut in 0...bytes.count {
                #expect(!sees(bytes, cuts: [cut]), "\(text.debugDescription) \(cut)")
            }
        }
    }

    @Test func `chunk framing of any size around and within the line is looked through`() {
        for chunk in 1...40 {
            for text in [Self.event + "data: [DONE]\n\n", "data: [DONE]\r\n\r\n", "data:[DONE]\n\n"] {
                let bytes = Array(framed(text, chunk: chunk).utf8)
                #expect(sees(bytes), "\(text.debugDescription) by \(chunk)")
                #expect(sees(bytes, cuts: Array(0..<bytes.count)), "\(text.debugDescription) by \(chunk)")
                for cut in stride(from: 0, to: bytes.count, by: 3) { #expect(sees(bytes, cuts: [cut])) }
            }
            for text in ["xdata: [DONE]\n\n", "data: [DONE]x\n\n", Self.event] {
                let bytes = Array(framed(text, chunk: chunk).utf8)
                #expect(!sees(bytes, cuts: Array(0..<bytes.count)), "\(text.debugDescription) by \(chunk)")
            }
        }
    }

    @Test func `the end of a long piece is found whatever came before`() {
        for count in [0, 1, 100, 127, 128, 129, 1000, 70000] {
            let filler = String(repeating: "x", count: count)
            #expect(sees(Array("data: \(filler)\n\ndata: [DONE]\n\n".utf8)))
            #expect(!sees(Array("data: \(filler)data: [DONE]\n\n".utf8)))
            #expect(!sees(Array("data: \(filler)\n\n".utf8)))
        }
    }

    @Test func `once seen it stays seen`() {
        #expect(sees(Array("data: [DONE]\n\n: more\n\ndata: {}\n\n".utf8), cuts: [14]))
    }

    @Test func `another event may follow an empty line, and in chunks the end of one`() {
        let table: [(String, chunked: Bool, Bool)] = [
            ("data: x\n\n", false, true), ("data: x\r\n\r\n", false, true), ("data: x\r\r", false, true),
            ("data: x\n", false, false), ("data: x", false, false), ("", false, false),
            ("data: x\r\n", false, false), ("9\r\ndata: x\n\n\r\n", true, true),
            ("9\r\ndata: x\n\n", true, false), ("9\r\ndata: x\r\n\r\n", true, false),
            ("b\r\ndata: x\r\n\r\n\r\n", true, true),
        ]
        for (text, isChunked, may) in table {
            let bytes = Array(text.utf8)
            for step in [1, 3, 100] {
                var scanner = EventStreamScanner()
                for start in stride(from: 0, to: bytes.count, by: step) {
                    bytes[start..<min(start + step, bytes.count)].withUnsafeBytes { scanner.scan($0) }
                }
                #expect(scanner.endsEvent(isChunked: isChunked) == may, "\(text.debugDescription) by \(step)")
            }
        }
    }

    @Test func `a scanner is small enough for every stream to have one`() {
        #expect(MemoryLayout<EventStreamScanner>.size <= 48)
    }
}
