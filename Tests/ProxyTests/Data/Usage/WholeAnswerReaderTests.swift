// Covers WholeAnswerReader.swift, WholeJSON.swift
import Testing

@testable import Proxy

/// All that a tap has seen and decided.
private struct Seen: Equatable {
    var usage: AnswerUsage?
    var tokens: UInt64
    var model: [UInt8]
    var unreported: UInt64
    var sawDone: Bool
    var isAtEventBoundary: Bool
    var endedUsageChunk: Bool
    var mayBecomeUsageChunk: Bool

    /// - Parameter step: octets of a piece. With 1 no text is whole in its piece: `AnswerReader` reads all.
    init(_ bytes: [UInt8], isEventStream: Bool, step: Int) {
        var tap = UsageTap(isEventStream: isEventStream)
        for start in stride(from: 0, to: bytes.count, by: step) {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            withExactBytes(piece) { tap.scan(UnsafeRawBufferPointer($0)) }
        }
        usage = tap.reported
        tokens = tap.outputTokensSeen
        model = tap.model.withBytes { Array($0) }
        unreported = tap.outputTokensUnreported
        sawDone = tap.sawDone
        isAtEventBoundary = tap.isAtEventBoundary
        endedUsageChunk = tap.endedUsageChunk
        mayBecomeUsageChunk = tap.mayBecomeUsageChunk
    }
}

/// Where the reader of whole texts says that `text` ends; nil if it leaves it to the other one.
private func end(of text: String, isLine: Bool) -> Int? {
    withExactBytes(Array((isLine ? text + "\n" : text).utf8)) { piece in
        let content = UnsafeRawBufferPointer(piece)
        guard
            let json = WholeJSON(content.baseAddress!, from: 0, end: content.count, isLine: isLine)
        else { return nil }
        var reader = WholeAnswerReader(json, isModelKnown: false)
        let end = reader.read(from: 0)
        return end >= 0 ? end : nil
    }
}

private let interesting = Array("{}[]\",:\\u0 19.e-\n\r\t\u{0}aé".utf8)

/// Texts that neither API writes, or that only some parts of one do.
private let unusual = [
    #"{}"#, #"{"choices":[]}"#, #"{"choices":{}}"#, #"{"choices":[[],{},1]}"#,
    #"{"choices":[],"choices":[1]}"#,
    #"{"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":2}}"#,
    #"{"usage":{},"usage":{"total_tokens":2}}"#,
    #"{"model":"","model":"a"}"#, #"{"model":"a\/b"}"#, #"{"mo\u0064el":"a"}"#, #"{"delta":"\u00e9\n"}"#,
    #"{"delta":["x",{"text":"y"},[{"text":"z"}]],"output":{"text":"n"},"content":[{"text":"c"}]}"#,
    #"{"message":{"usage":{"input_tokens":3,"output_tokens":1}},"usage":{"output_tokens":4}}"#,
    #"{ "a" : [ { "b" : "}\"]" } ] , "usage" : { "prompt_tokens" : 7 , "x" : [ "{" ] } }"#,
    #"{"usage":{"prompt_tokens":007,"completion_tokens":1.0,"total_tokens":1e3,"cached_tokens":4}}"#,
    #"{"usage":{"prompt_tokens":9007199254740993,"completion_tokens":123456789012345}}"#,
    #"{"usage":{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4,"prompt_tokens":8}}}"#,
    #"{"choices":[{"reasoning_details":[{"text":"n"}],"reasoning":"yes","content":"\\\"ab\ud83d\ude00"}]}"#,
    #"{"a":nullx,"b":-1.5E+7,"c":truefalse}"#, #"{"a":1,}"#, #"{"a":[1,]}"#, #"{"choices":[1,]}"#, #"{"a"}"#,
    #"{"a":}"#, #"{"a":{]}"#, #"{"choices":[{]}"#, #"{"a":1}}"#, #"{"a":1} {"usage":{"prompt_tokens":1}}"#,
]

@Suite(.tags(.fast)) struct WholeAnswerReaderTests {
    @Test(arguments: AnswerShape.all)
    func `what every API writes is read in one go`(shape: AnswerShape) {
        guard shape.isEventStream else {
            #expect(end(of: shape.text, isLine: false) == shape.text.utf8.reversed().drop { $0 == 10 }.count)
            return
        }
        for event in shape.text.split(separator: "\n\n") where !event.contains("\ndata: \"") {
            for line in event.split(separator: "\n") where line.hasPrefix("data: {") {
                let text = String(line.dropFirst(6))
                #expect(end(of: text, isLine: true) == text.utf8.count, "\(text)")
            }
        }
    }

    @Test(arguments: [
        #"{"a":1"#, #"{"a" 1}"#, #"{"\u0061":1}"#, #"{"model":"\u0061"}"#, #"{"choices":{}}"#,
        "{\"a\":\"\n\"}",
        "[]", #"{"usage":{"prompt_tokens":1e3}}"#, #"{"usage":{},"usage":{}}"#,
    ])
    func `what is not written the usual way is left to the other reader`(text: String) {
        #expect(end(of: text, isLine: true) == nil)
    }

    @Test func `texts of any depth are read, and text deeper than usual is left to the other reader`() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(end(of: #"{"a":\#(nested(70_000))}"#, isLine: false) != nil)
        #expect(end(of: #"{"delta":\#(nested(15))}"#, isLine: false) != nil)
        #expect(end(of: #"{"delta":\#(nested(70_000))}"#, isLine: false) == nil)
    }

    @Test(arguments: unusual)
    func `both readers see the same in what is unusual`(text: String) {
        for (bytes, isEventStream) in [
            (Array(text.utf8), false), (Array((text + " \n").utf8), false),
            (Array("data: \(text)\n\n".utf8), true), (Array("data: \(text) \r\n\r\n".utf8), true),
            (Array("data:\(text)\ndata: {}\n\n".utf8), true), (Array("data: \(text)\n".utf8), true),
        ] {
            let slow = Seen(bytes, isEventStream: isEventStream, step: 1)
            #expect(Seen(bytes, isEventStream: isEventStream, step: bytes.count) == slow)
        }
    }

    @Test(arguments: AnswerShape.all)
    func `both readers see the same in whatever an answer is changed to`(shape: AnswerShape) {
        var random = SeededGenerator(seed: UInt64(shape.text.utf8.count))
        for _ in 0..<400 {
            var bytes = shape.bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = interesting.randomElement(using: &random)!
                case 1: bytes.insert(interesting.randomElement(using: &random)!, at: place)
                case 2: bytes.remove(at: place)
                default:
                    let count = min(40, bytes.count - place)
                    let other = Int.random(in: 0..<bytes.count, using: &random)
                    bytes.insert(contentsOf: Array(bytes[place..<place + count]), at: other)
                }
            }
            let slow = Seen(bytes, isEventStream: shape.isEventStream, step: 1)
            for step in [bytes.count, Int.random(in: 2...300, using: &random)] {
                let seen = Seen(bytes, isEventStream: shape.isEventStream, step: step)
                #expect(seen == slow, "\(String(decoding: bytes, as: UTF8.self)) by \(step)")
            }
        }
    }

    @Test func `a string that a line's end breaks off is read no further, wherever the pieces end`() {
        for inside in ["c\u{0}", "c\\", "c\u{0}\\", "c", "c\u{1}\u{1}"] {
            for key in ["model", "content", "x"] {
                let text =
                    "data: {\"\(key)\":\"\(inside)\ndata: {\"model\":\"m\",\"usage\":{\"output_tokens\":15}}\n\n"
                let bytes = Array(text.utf8)
                let slow = Seen(bytes, isEventStream: true, step: 1)
                for step in 2...bytes.count {
                    #expect(Seen(bytes, isEventStream: true, step: step) == slow, "\(inside) by \(step)")
                }
            }
        }
    }
}
