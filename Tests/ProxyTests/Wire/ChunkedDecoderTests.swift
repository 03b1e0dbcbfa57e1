import Testing

@testable import Proxy

@Suite struct ChunkedDecoderTests {
    /// What came out of a body in all, however it was fed.
    private struct Decoded: Equatable {
        var output: [UInt8] = []
        var consumed = 0
        var dataBytes = 0
        var progress = ChunkedDecoder.Progress.more

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Feeds `bytes` cut at `cuts`; what a feed does not consume is lost, for it ends the body.
    private func decode(_ bytes: [UInt8], cuts: [Int] = [], _ output: ChunkedDecoder.Output = .framed)
        -> Decoded
    {
        var decoder = ChunkedDecoder()
        var decoded = Decoded()
        var start = 0
        for end in cuts + [bytes.count] {
            let piece = Array(bytes[start..<end])
            start = end
            withExactBytes(piece) { buffer in
                let result = decoder.decode(buffer, output: output)
                #expect(result.forwarded <= result.consumed && result.consumed <= piece.count)
                if result.progress == .more { #expect(result.consumed == piece.count) }
                decoded.output += buffer[..<result.forwarded]
                decoded.consumed += result.consumed
                decoded.dataBytes += result.dataBytes
                decoded.progress = result.progress
            }
            if decoded.progress != .more { break }
        }
        return decoded
    }

    private func decode(_ text: String, _ output: ChunkedDecoder.Output = .framed) -> Decoded {
        decode(Array(text.utf8), output)
    }

    private static let body =
        "5\r\nhello\r\n00A;name=\"va lue\";x\r\n0123456789\r\n1\r\n\r\r\n000;last\r\nTrailer: x\r\n\r\n"

    @Test func `framing is kept without extensions, leading zeros and the last-chunk line`() {
        let decoded = decode(Self.body)
        #expect(decoded.text == "5\r\nhello\r\nA\r\n0123456789\r\n1\r\n\r\r\n")
        #expect(decoded.progress == .trailers)
        #expect(decoded.dataBytes == 16)
        #expect(Self.body.utf8.count - decoded.consumed == "Trailer: x\r\n\r\n".utf8.count)
    }

    @Test func `the content alone comes out as data`() {
        let decoded = decode(Self.body, .data)
        #expect(decoded.text == "hello0123456789\r")
        #expect(decoded.progress == .trailers)
        #expect(decoded.dataBytes == 16)
    }

    @Test func `a body without extensions is not moved`() {
        let text = "5\r\nhello\r\nff"
        withExactBytes(text) { buffer in
            var decoder = ChunkedDecoder()
            let result = decoder.decode(buffer, output: .framed)
            #expect(result == .init(consumed: 12, forwarded: 12, progress: .more, dataBytes: 5))
            #expect(Array(buffer) == Array(text.utf8))
        }
    }

    @Test func `every split of a body into two and octet by octet gives the same`() {
        for output in [ChunkedDecoder.Output.framed, .data] {
            for text in [Self.body] + Self.refused.map(\.0) {
                let bytes = Array(text.utf8)
                let whole = decode(bytes, output)
                #expect(
                    decode(bytes, cuts: Array(0..<bytes.count), output) == whole, "\(text.debugDescription)")
                for cut in 0...bytes.count {
                    #expect(decode(bytes, cuts: [cut], output) == whole, "\(text.debugDescription) at \(cut)")
                }
            }
        }
    }

    static let refused: [(String, ChunkedError, Int)] = [
        ("\r\n", .sizeInvalid, 0), (" 5\r\nhello\r\n", .sizeInvalid, 0),
        ("5 \r\nhello\r\n", .sizeInvalid, 1),
        ("+5\r\nhello\r\n", .sizeInvalid, 0), ("-5\r\n", .sizeInvalid, 0),
        ("0x5\r\nhello\r\n", .sizeInvalid, 1),
        ("5\nhello\r\n", .sizeInvalid, 1), ("g\r\n", .sizeInvalid, 0), (";a\r\n", .sizeInvalid, 0),
        ("5 ;a\r\n", .sizeInvalid, 1), ("5\t\r\n", .sizeInvalid, 1), ("5_0\r\n", .sizeInvalid, 1),
        ("5\0\r\n", .sizeInvalid, 1),
        ("5,\r\n", .sizeInvalid, 1), ("\u{FEFF}5\r\n", .sizeInvalid, 0),
        ("5\r\nhello\r\n\r\n", .sizeInvalid, 10), ("0\n\r\n", .sizeInvalid, 1),
        ("00000000000000005\r\n", .sizeTooLarge, 16), ("8000000000000000\r\n", .sizeTooLarge, 15),
        ("ffffffffffffffff\r\n", .sizeTooLarge, 15), ("FFFFFFFFFFFFFFFFF\r\n", .sizeTooLarge, 15),
        ("5\rhello\r\n", .lineEndInvalid, 2), ("5\r\r\n", .lineEndInvalid, 2),
        ("5;a\rb\r\n", .lineEndInvalid, 4),
        ("5\r\nhelloX\r\n", .lineEndInvalid, 8), ("5\r\nhello\n", .lineEndInvalid, 8),
        ("5\r\nhello\rX", .lineEndInvalid, 9),
        ("5\r\nhello5\r\n", .lineEndInvalid, 8), ("3\r\nhello\r\n", .lineEndInvalid, 6),
        ("0\r\r\n", .lineEndInvalid, 2),
        ("6\r\nhello\r\n0\r\n\r\n", .lineEndInvalid, 9),
        ("5;a\nhello\r\n", .extensionInvalid, 3), ("5;\0\r\n", .extensionInvalid, 2),
        ("0;\u{7F}\r\n", .extensionInvalid, 2),
        ("5;\u{1B}\r\n", .extensionInvalid, 2),
        ("5;" + String(repeating: "x", count: 256) + "\r\n", .extensionTooLong, 257),
    ]

    @Test func `what is not the coding is refused at its octet`() {
        for (text, error, place) in Self.refused {
            let decoded = decode(text)
            #expect(decoded.progress == .invalid(error), "\(text.debugDescription)")
            #expect(decoded.consumed == place, "\(text.debugDescription)")
        }
        #expect(Set(Self.refused.map(\.1)) == Set(ChunkedError.allCases))
    }

    @Test func `sizes go up to the bounds`() {
        #expect(decode("0000000000000001\r\nx\r\n").text == "1\r\nx\r\n")
        #expect(decode("7fffffffffffffff\r\nxyz").progress == .more)
        #expect(decode("7fffffffffffffff\r\nxyz").dataBytes == 3)
        #expect(decode("aB\r\n" + String(repeating: "x", count: 0xAB) + "\r\n").dataBytes == 0xAB)
        let longest = "1;" + String(repeating: "x", count: 255) + "\r\ny\r\n0\r\n"
        #expect(decode(longest).text == "1\r\ny\r\n")
        #expect(decode("1;\t \u{E9}\r\ny\r\n").text == "1\r\ny\r\n")
        #expect(decode("0000000000000000\r\n").progress == .trailers)
    }

    @Test func `extensions are bounded for each line`() {
        let line = "1;" + String(repeating: "x", count: 200) + "\r\ny\r\n"
        #expect(decode(String(repeating: line, count: 20)).dataBytes == 20)
    }

    @Test func `the answer stays after the end and after an error`() {
        var decoder = ChunkedDecoder()
        withExactBytes("0\r\n") { #expect(decoder.decode($0, output: .framed).progress == .trailers) }
        withExactBytes("5\r\nhello") {
            let again = decoder.decode($0, output: .framed)
            #expect(again == .init(consumed: 0, forwarded: 0, progress: .trailers, dataBytes: 0))
        }
        decoder = ChunkedDecoder()
        withExactBytes("x") { #expect(decoder.decode($0, output: .data).progress == .invalid(.sizeInvalid)) }
        withExactBytes("0\r\n") {
            let again = decoder.decode($0, output: .data)
            #expect(again == .init(consumed: 0, forwarded: 0, progress: .invalid(.sizeInvalid), dataBytes: 0))
        }
    }

    @Test func `a chunk boundary is where forwarded octets end between chunks`() {
        var decoder = ChunkedDecoder()
        #expect(decoder.isAtChunkBoundary)
        var boundaries: [Int] = []
        let bytes = Array("2;e\r\nab\r\n01\r\nc\r\n00;e\r\n".utf8)
        for (index, byte) in bytes.enumerated() {
            withExactBytes([byte]) { _ = decoder.decode($0, output: .framed) }
            if decoder.isAtChunkBoundary { boundaries.append(index) }
        }
        #expect(boundaries == [8, 9, 15, 16, 17, 18, 19, 20, 21])
    }

    @Test func `a decoder is small enough for every connection to have one`() {
        #expect(MemoryLayout<ChunkedDecoder>.size <= 24)
    }
}
