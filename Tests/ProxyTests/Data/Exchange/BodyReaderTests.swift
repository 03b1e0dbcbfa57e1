import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct BodyReaderTests {
    /// What came out of a reader that was fed part by part, as a worker does it.
    private struct Fed: Equatable {
        var output = ""
        /// Behind the end of the body, or the trailer section that was not read.
        var rest = ""
        var verdict: BodyReader.Verdict = .more
    }

    /// Gives each part in a buffer with exactly the headroom that is promised, and checks that nothing beyond
    /// what was consumed is touched.
    private func feed(_ reader: inout BodyReader, _ parts: [ArraySlice<UInt8>], _ output: BodyOutput) -> Fed {
        var fed = Fed()
        var held: [UInt8] = []
        for part in parts where !part.isEmpty {
            if fed.verdict == .ended || fed.verdict == .invalid {
                held += part
                continue
            }
            let bytes = held + part
            let whole =
                [UInt8](repeating: 0xAA, count: BodyReader.headroom) + bytes
                + [UInt8](repeating: 0xAA, count: BodyReader.headroom)
            withExactBytes(whole) { buffer in
                let range = BodyReader.headroom..<BodyReader.headroom + bytes.count
                let step = reader.advance(UnsafeMutableRawBufferPointer(rebasing: buffer[range]), output)
                fed.output += String(decoding: step.piece, as: UTF8.self)
                fed.verdict = step.verdict
                held = Array(buffer[(BodyReader.headroom + step.consumed)..<range.upperBound])
                #expect(held.elementsEqual(bytes[step.consumed...]), "what follows the body was changed")
            }
        }
        fed.rest = String(decoding: held, as: UTF8.self)
        return fed
    }

    private func feed(_ text: String, _ framing: BodyFraming, _ output: BodyOutput, splits: [Int]) -> Fed {
        let bytes = Array(text.utf8)
        var reader = BodyReader(framing)
        let bounds = [0] + splits + [bytes.count]
        return feed(&reader, zip(bounds, bounds.dropFirst()).map { bytes[$0..<$1] }, output)
    }

    private static let next = "GET /next HTTP/1.1\r\n\r\n"

    @Test(arguments: [
        (BodyOutput.chunked, "5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"), (.content, "hello0123456789"),
        (.nothing, ""),
    ])
    func `chunks come out the same at every pair of splits, and what follows stays`(
        output: BodyOutput, expected: String
    ) {
        let text = "5\r\nhello\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n" + BodyReaderTests.next
        let count = text.utf8.count
        for first in 0...count {
            for second in stride(from: first, through: count, by: 1) {
                let fed = feed(text, .chunked, output, splits: [first, second])
                #expect(
                    fed == Fed(output: expected, rest: BodyReaderTests.next, verdict: .ended),
                    "at \(first), \(second)")
            }
        }
    }

    @Test func `a last chunk split in every way is written whole once`() {
        let text = "1\r\na\r\n000;ext=1\r\n\r\n" + BodyReaderTests.next
        let end = text.utf8.count - BodyReaderTests.next.utf8.count
        // Every set of splits in the last chunk and the empty line: a byte at a time and all between.
        let places = Array(6...end)
        for mask in 0..<(1 << places.count) {
            let splits = places.indices.filter { mask & (1 << $0) != 0 }.map { places[$0] }
            let fed = feed(text, .chunked, .chunked, splits: splits)
            #expect(
                fed == Fed(output: "1\r\na\r\n0\r\n\r\n", rest: BodyReaderTests.next, verdict: .ended),
                "\(splits)")
        }
    }

    @Test func `trailer fields are left to be parsed`() {
        let text = "1\r\na\r\n0\r\nX: y\r\n\r\n" + BodyReaderTests.next
        for output in [BodyOutput.chunked, .content] {
            for split in 0...text.utf8.count {
                let bytes = Array(text.utf8)
                var reader = BodyReader(.chunked)
                let fed = feed(&reader, [bytes[..<split], bytes[split...]], output)
                let piece = output == .chunked ? "1\r\na\r\n" : "a"
                #expect(
                    fed == Fed(output: piece, rest: "X: y\r\n\r\n" + BodyReaderTests.next, verdict: .trailers)
                )
                #expect(reader.isInTrailers && !reader.hasEnded && reader.remaining == nil)
                reader.endTrailers()
                #expect(reader.hasEnded && reader.contentBytes == 1)
            }
        }
    }

    @Test func `a known length ends where it says`() {
        let text = "hello" + BodyReaderTests.next
        for output in [BodyOutput.verbatim, .nothing] {
            for split in 0...text.utf8.count {
                let fed = feed(text, .length(5), output, splits: [split])
                #expect(
                    fed
                        == Fed(
                            output: output == .nothing ? "" : "hello", rest: BodyReaderTests.next,
                            verdict: .ended))
            }
        }
    }

    @Test func `what remains of a known length is told`() {
        var reader = BodyReader(.length(5))
        #expect(reader.remaining == 5 && !reader.hasEnded)
        _ = feed(&reader, [Array("he".utf8)[...]], .verbatim)
        #expect(reader.remaining == 3 && reader.contentBytes == 2)
        _ = feed(&reader, [Array("llo".utf8)[...]], .verbatim)
        #expect(reader.remaining == 0 && reader.hasEnded && reader.contentBytes == 5)
    }

    @Test(arguments: [BodyFraming.none, .length(0)])
    func `no body takes nothing`(framing: BodyFraming) {
        #expect(BodyReader(framing).hasEnded)
        let fed = feed(BodyReaderTests.next, framing, .verbatim, splits: [])
        #expect(fed == Fed(output: "", rest: BodyReaderTests.next, verdict: .ended))
    }

    @Test func `a close-delimited body passes as it is`() {
        for split in 0...5 {
            let fed = feed("hello", .untilClose, .verbatim, splits: [split])
            #expect(fed == Fed(output: "hello", rest: "", verdict: .more))
        }
        #expect(BodyReader(.untilClose).isUntilClose && !BodyReader(.length(1)).isUntilClose)
    }

    @Test(arguments: [1, 9, 10, 15, 16, 255, 256, 4095, 65535, 65536])
    func `a close-delimited body becomes one chunk per piece`(count: Int) {
        let piece = [UInt8](repeating: 0x61, count: count)
        var reader = BodyReader(.untilClose)
        let fed = feed(&reader, [piece[...]], .rechunked)
        let size = String(count, radix: 16)
        #expect(fed.output == size + "\r\n" + String(repeating: "a", count: count) + "\r\n")
        #expect(fed.verdict == .more && reader.contentBytes == UInt64(count))
    }

    @Test(arguments: ["x\r\n", "1\r\nab\r\n", "1\nb", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n"])
    func `what is not chunks is told, and the sound part goes on`(bad: String) {
        let text = "2\r\nok\r\n" + bad
        for split in 0...text.utf8.count {
            let fed = feed(text, .chunked, .content, splits: [split])
            #expect(fed.verdict == .invalid)
            #expect(fed.output.hasPrefix("ok"))
        }
    }
}
