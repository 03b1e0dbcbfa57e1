import Testing

@testable import Proxy

/// What comes out of a filter for `bytes` cut at `cuts`.
private func filtered(_ bytes: [UInt8], cuts: [Int] = []) -> [UInt8] {
    let pool = BlockPool()
    var filter = UsageChunkFilter()
    var tap = UsageTap(isEventStream: true)
    var output: [UInt8] = []
    var start = 0
    for end in cuts + [bytes.count] {
        withExactBytes(Array(bytes[start..<end])) { piece in
            let out = filter.take(piece, through: &tap, blocks: pool)
            output += Array(out.first) + Array(out.second)
        }
        start = end
    }
    output += Array(filter.finish(blocks: pool))
    filter.release(to: pool)
    return output
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private let chunk = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
private let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\n\n"

@Suite(.tags(.fast)) struct UsageChunkFilterTests {
    @Test(arguments: AnswerShape.streams)
    func `of each API's stream the usage chunk is taken out, however it is cut`(shape: AnswerShape) {
        let expected = shape.usageChunk.map { shape.text.replacing($0, with: "") } ?? shape.text
        #expect((expected != shape.text) == (shape.usageChunk != nil))
        for cut in 0...shape.bytes.count {
            #expect(text(filtered(shape.bytes, cuts: [cut])) == expected, "cut at \(cut)")
        }
        #expect(text(filtered(shape.bytes, cuts: Array(0..<shape.bytes.count))) == expected)
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func `lines may end in any way, and chunks stand anywhere and in any number`(end: String) {
        for (stream, rest) in [
            (chunk, ""), (chunk + event, event), (event + chunk, event), (chunk + chunk, ""),
            (event + chunk + event + chunk + chunk + event, event + event + event),
            (": note\n\n" + chunk + "data: [DONE]\n\n", ": note\n\ndata: [DONE]\n\n"),
            ("event: x\nid: 1\n" + chunk + event, event), ("\n\n" + chunk + "\n" + event, "\n\n\n" + event),
        ] {
            let bytes = Array(stream.replacing("\n", with: end).utf8)
            let expected = rest.replacing("\n", with: end)
            for first in 0...bytes.count {
                for second in stride(from: first, through: bytes.count, by: 7) {
                    let found = text(filtered(bytes, cuts: [first, second]))
                    #expect(found == expected, "\(stream.debugDescription) cut at \(first), \(second)")
                }
            }
            #expect(text(filtered(bytes, cuts: Array(0..<bytes.count))) == expected)
        }
    }

    @Test(arguments: [
        #"{"choices":[]}"#, #"{"choices":[],"usage":null}"#, #"{"choices":[],"usage":{}}"#,
        #"{"choices":[1],"usage":{"prompt_tokens":1}}"#,
        #"{"usage":{"prompt_tokens":1}}"#, #"{"choices":{},"usage":{"prompt_tokens":1}}"#,
        #"{"choices":null,"usage":{"prompt_tokens":1}}"#,
        #"{"choices":[[]],"usage":{"prompt_tokens":1}}"#,
        #"{"choices":[],"choices":[{}],"usage":{"prompt_tokens":1}}"#,
        #"{"choices":[],"choices":[1],"usage":{"prompt_tokens":1}}"#,
        #"{"choices":[{}],"choices":[],"usage":{"prompt_tokens":1}}"#,
        #"{"choices":[],"x_groq":{"usage":{"prompt_tokens":1}}}"#,
        #"{"choices":[],"usage":{"prompt_tokens":1}"#,
        #"{"choices":[],"usage":{"prompt_tokens":1}}}"#, #"{"choices":[],"usage":{"prompt_tokens":1}} x"#,
        #"{"a":{"choices":[]},"usage":{"prompt_tokens":1}}"#, #"{"choices":[,"usage":{"prompt_tokens":1}}"#,
        "[DONE]", "",
    ])
    func `what is another event passes`(data: String) {
        let stream = event + "data: \(data)\n\n" + event
        for cut in 0...stream.utf8.count {
            #expect(text(filtered(Array(stream.utf8), cuts: [cut])) == stream)
        }
    }

    @Test func `a chunk that the stream does not end goes out`() {
        for text in [String(chunk.dropLast()), String(chunk.dropLast(2)), String(chunk.dropLast(20))] {
            #expect(String(decoding: filtered(Array(text.utf8)), as: UTF8.self) == text)
        }
    }

    @Test func `pieces at random, the same`() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var stream = ""
            var expected = ""
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let next = [chunk, event, ": ping\n\n", "data: {\"choices\":[]}\n\n"].randomElement(
                    using: &random)!
                stream += next
                if next != chunk { expected += next }
            }
            let bytes = Array(stream.utf8)
            let cuts = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                Int.random(in: 0...bytes.count, using: &random)
            }
            #expect(text(filtered(bytes, cuts: cuts.sorted())) == expected, "\(cuts.sorted())")
        }
    }

    // MARK: What is held

    private func take(
        _ text: String, _ filter: inout UsageChunkFilter, _ tap: inout UsageTap, _ pool: BlockPool
    )
        -> [String]
    {
        withExactBytes(Array(text.utf8)) { piece in
            let out = filter.take(piece, through: &tap, blocks: pool)
            return [out.first, out.second].map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test func `an event is held until it cannot be the chunk any more, and no longer`() {
        let pool = BlockPool()
        var filter = UsageChunkFilter()
        var tap = UsageTap(isEventStream: true)
        let start = #"data: {"id":"x","choices":["#
        #expect(take(event + start, &filter, &tap, pool) == ["", event])
        #expect(filter.isAtEventBoundary && !tap.isAtEventBoundary)
        #expect(take(#"{"delta":"#, &filter, &tap, pool) == [start, #"{"delta":"#])
        #expect(take(#"{"content":"a"#, &filter, &tap, pool) == ["", #"{"content":"a"#])
        #expect(!filter.isAtEventBoundary)
        #expect(take("\"}}]}\n\ndata: {", &filter, &tap, pool) == ["", "\"}}]}\n\n"])
        #expect(filter.isAtEventBoundary)
        #expect(take("}\n\n" + start, &filter, &tap, pool) == ["data: {", "}\n\n"])
        #expect(text(Array(filter.finish(blocks: pool))) == start)
        filter.release(to: pool)
    }

    @Test func `an event beyond the bound passes, to its end`() {
        let pool = BlockPool()
        var filter = UsageChunkFilter()
        var tap = UsageTap(isEventStream: true)
        let start = #"data: {"a":""#
        let half = String(repeating: "x", count: UsageChunkFilter.heldMax / 2)
        #expect(take(start, &filter, &tap, pool) == ["", ""])
        #expect(take(half, &filter, &tap, pool) == ["", ""])
        #expect(take(half, &filter, &tap, pool) == [start + half, half])
        let rest = #"","choices":[],"usage":{"prompt_tokens":1}}"# + "\n\n"
        #expect(take(rest + chunk, &filter, &tap, pool) == ["", rest])
        #expect(tap.reported == AnswerUsage(inputTokens: 1, outputTokens: 2))
    }
}
