// Covers SimpleChatStream.swift, ChatParts.swift
import JSON
import Testing

@testable import Proxy

private struct Output: Equatable {
    var text = ""
    var progress = SimpleChatStream.Progress.open
}

/// What comes out for `bytes` cut at `cuts`.
private func chat(_ bytes: [UInt8], cuts: [Int] = [], finishes: Bool = true) -> Output {
    let blocks = BlockPool()
    var stream = SimpleChatStream()
    var output = ByteQueue()
    var start = 0
    for end in cuts + [bytes.count] {
        withExactBytes(Array(bytes[start..<end])) { piece in
            let progress = stream.take(UnsafeRawBufferPointer(piece), into: &output, blocks: blocks)
            #expect(progress == stream.progress)
        }
        start = end
    }
    if finishes { _ = stream.finish(into: &output, blocks: blocks) }
    defer {
        stream.release(to: blocks)
        output.release(to: blocks)
    }
    return Output(text: String(decoding: output.bytes, as: UTF8.self), progress: stream.progress)
}

private func chat(_ text: String) -> Output { chat(Array(text.utf8)) }

private func content(_ text: String...) -> String {
    text.map { "data: {\"content\": \"\($0)\"}\n\n" }.joined()
}

private func delta(_ delta: String) -> String { "data: {\"choices\":[{\"delta\":\(delta)}]}\n\n" }

private let done = "data: [DONE]\n\n"

// MARK: - The naive way

/// The same, event by event on strings, for streams in which no member comes twice. Contents are decoded.
private func naive(_ text: String) -> (contents: [String], progress: SimpleChatStream.Progress) {
    let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        .split(separator: "\n", omittingEmptySubsequences: false)
    var contents: [String] = []
    var data: [Substring] = []
    for line in lines + [""] {
        if line.hasPrefix("data:") {
            let value = line.dropFirst(5)
            data.append(value.hasPrefix(" ") ? value.dropFirst() : value)
        } else if line == "data" {
            data.append("")
        }
        guard line.isEmpty else { continue }
        let event = data.joined(separator: "\n")
        data = []
        if event.allSatisfy({ " \n\t".contains($0) }) { continue }
        if event == "[DONE]" { return (contents + ["[DONE]"], .done) }
        guard let tree = try? JSONValue.parse(Array(event.utf8)), tree.members != nil else {
            return (contents, .failed)
        }
        if let error = tree["error"], error != .null, error != .bool(false), error != .string(""),
            error != .integer(0)
        {
            contents.append("error \(error)")
        } else if let text = tree["choices"]?.items?.first?["delta"]?["content"]?.text, !text.isEmpty {
            contents.append(text)
        }
    }
    return (contents, .open)
}

/// What a client reads of the output.
private func decoded(_ output: String) throws -> [String] {
    guard !output.isEmpty else { return [] }
    var events = output.components(separatedBy: "\n\n")
    #expect(events.popLast() == "")
    return try events.map { event in
        let text = try #require(event.hasPrefix("data: ") ? event.dropFirst(6) : nil)
        if text == "[DONE]" { return "[DONE]" }
        let tree = try JSONValue.parse(Array(text.utf8))
        #expect(tree.members?.count == 1)
        return try tree["error"].map { "error \($0)" } ?? #require(tree["content"]?.text)
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts = [""]
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts[parts.count - 1] = String(rest[..<range.lowerBound])
            parts.append("")
            rest = rest[range.upperBound...]
        }
        parts[parts.count - 1] = String(rest)
        return parts
    }
}

@Suite(.tags(.fast)) struct SimpleChatStreamTests {
    @Test func `a chat comes out as its text alone`() {
        let stream =
            delta(#"{"role":"assistant","content":""}"#) + delta(#"{"content":"Hello"}"#)
            + delta(#"{"content":" w\u00f6rld\n \"x\" \ud83d\ude00/\/"}"#) + delta(#"{"content":"ö🙂"}"#)
            + delta("{}") + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n" + done
        let text =
            content("Hello", #" w\u00f6rld\n \"x\" \ud83d\ude00/\/"#, "ö🙂") + done
        #expect(chat(stream) == Output(text: text, progress: .done))
    }

    @Test(arguments: AnswerShape.streams)
    func `however a stream is cut, the same comes out, and what the naive way gives`(shape: AnswerShape)
        throws
    {
        let whole = chat(shape.bytes)
        let expected = naive(shape.text)
        #expect(try decoded(whole.text) == expected.contents)
        #expect(whole.progress == expected.progress)
        for cut in 0...shape.bytes.count { #expect(chat(shape.bytes, cuts: [cut]) == whole, "cut at \(cut)") }
        #expect(chat(shape.bytes, cuts: Array(0..<shape.bytes.count)) == whole)
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func `lines may end in any way, and other fields and comments stand anywhere`(end: String) {
        let stream =
            "\u{FEFF}: hello\n\n:\n\nevent: x\ndata:{\"choices\":\ndata:  [{\"delta\":{\"content\"\ndata\n"
            + "data: :\"a\"}}]}\nid: 7\nretry: 1\n\n\n\ndata:\n\ndata: \n\ndatum: {\n\n data: {\n\n"
            + delta(#"{"content":"b"}"#) + "data: [DONE]\n\n"
        let bytes = Array(stream.replacing("\n", with: end).utf8)
        let expected = Output(text: content("a", "b") + done, progress: .done)
        for first in 0...bytes.count {
            for second in stride(from: first, through: bytes.count, by: 11) {
                #expect(chat(bytes, cuts: [first, second]) == expected, "cut at \(first), \(second)")
            }
        }
    }

    @Test(arguments: [
        #"{"message":"overloaded","type":"server_error","code":null}"#, "\"no\"", "true", "[]", "{}",
        "-0.5e1",
    ])
    func `an error goes out as it is`(error: String) {
        let stream = "data: {\"id\":\"x\",\"error\":\(error),\"choices\":[]}\n\n" + done
        let text = "data: {\"error\": \(error)}\n\n" + done
        #expect(chat(stream) == Output(text: text, progress: .done))
    }

    @Test func `an error over several lines goes out in one`() {
        let stream = "data: {\"error\": {\r\ndata:  \"message\":\rdata: \"a\\nb\"\ndata: }}\n\n"
        #expect(chat(stream).text == "data: {\"error\": {  \"message\": \"a\\nb\" }}\n\n")
    }

    @Test(arguments: ["null", "false", "0", "-0.00", "0e5", "\"\""])
    func `what is no error in anybody's eyes is none`(error: String) {
        let stream = "data: {\"error\":\(error),\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
        #expect(chat(stream).text == content("a"))
    }

    @Test(arguments: [
        "{}", #"{"choices":[]}"#, #"{"choices":null}"#, #"{"choices":{"delta":{"content":"a"}}}"#,
        #"{"choices":["a",{"delta":{"content":"a"}}]}"#, #"{"choices":[[{"delta":{"content":"a"}}]]}"#,
        #"{"choices":[{}]}"#, #"{"choices":[{},{"delta":{"content":"a"}}]}"#,
        #"{"choices":[{"delta":"a"}]}"#, #"{"choices":[{"delta":["content","a"]}]}"#,
        #"{"choices":[{"delta":{"content":null}}]}"#, #"{"choices":[{"delta":{"content":""}}]}"#,
        #"{"choices":[{"delta":{"content":{"content":"a"}}}]}"#,
        #"{"choices":[{"delta":{"content":[{"text":"a"}]}}]}"#, #"{"choices":[{"message":{"content":"a"}}]}"#,
        #"{"choices":[{"delta":{"tool_calls":[{"content":"a"}]}}]}"#, #"{"delta":{"content":"a"}}"#,
        #"{"choices":[{"delta":{"content":"a"}}],"choices":[]}"#,
    ])
    func `an event without text gives nothing`(data: String) {
        #expect(chat("data: \(data)\n\n") == Output())
    }

    @Test(arguments: ["[DONE] ", "[done]", "[]", "1", "null", "{", "{}}", "{} {}", "Hello", #"{"a":"\x"}"#])
    func `what is no JSON object fails the stream, and nothing more goes out`(data: String) {
        let bytes = Array(
            (delta(#"{"content":"a"}"#) + "data: \(data)\n\n" + delta(#"{"content":"b"}"#)).utf8)
        let expected = Output(text: content("a"), progress: .failed)
        for cut in 0...bytes.count { #expect(chat(bytes, cuts: [cut]) == expected) }
    }

    @Test func `what follows the end is dropped`() {
        #expect(
            chat(done + delta(#"{"content":"a"}"#) + "data: x\n\n") == Output(text: done, progress: .done))
    }

    @Test(arguments: ["", "\n", "\r\n"])
    func `an end that the stream does not end goes out`(end: String) {
        let stream = delta(#"{"content":"a"}"#) + "data: [DONE]" + end
        #expect(chat(stream) == Output(text: content("a") + done, progress: .done))
    }

    @Test func `a stream that breaks off is open, or has failed where it does so within an event`() {
        let first = delta(#"{"content":"a"}"#)
        let event = #"data: {"choices":[{"delta":{"content":"b"}}]}"#
        #expect(chat("") == Output())
        #expect(chat(first) == Output(text: content("a")))
        #expect(chat(first + event) == Output(text: content("a", "b")))
        for count in 7..<event.utf8.count {
            #expect(chat(first + event.prefix(count)) == Output(text: content("a"), progress: .failed))
        }
    }

    @Test func `an event goes out as soon as it has ended`() {
        let event = delta(#"{"content":"a"}"#)
        #expect(chat(Array(event.utf8), finishes: false) == Output(text: content("a")))
        #expect(chat(Array(event.dropLast().utf8), finishes: false) == Output())
    }

    @Test(arguments: [0, 1])
    func `an event of a mebibyte passes, a larger one fails the stream`(excess: Int) {
        let frame = delta(#"{"content":""}"#).utf8.count - 2
        let text = String(repeating: "x", count: SimpleChatStream.eventMax - frame + excess)
        let bytes = Array((delta(#"{"content":"a"}"#) + delta(#"{"content":"\#(text)"}"#)).utf8)
        let expected =
            excess == 0
            ? Output(text: content("a", text)) : Output(text: content("a"), progress: .failed)
        for cuts in [[], [bytes.count / 2], [bytes.count - 2], [100, 70_000, 700_000, bytes.count - 3]] {
            #expect(chat(bytes, cuts: cuts) == expected)
        }
        let lines = Array(repeating: "data: " + String(repeating: " ", count: 1 << 14), count: 65).joined(
            separator: "\n")
        #expect(chat(lines) == Output(progress: .failed))
        #expect(
            chat(String(repeating: "x", count: SimpleChatStream.eventMax + excess)).progress
                == expected.progress)
    }

    @Test(arguments: 0..<300)
    func `streams at random, cut at random, the naive way`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let words = [
            #"a"#, #"\n"#, #"\u00e9"#, "é", "🙂", #"\ud83d\ude42"#, #"\""#, #"\\"#, "data: x", "[DONE]",
        ]
        var stream = ["", "\u{FEFF}"].randomElement(using: &random)!
        for _ in 0..<Int.random(in: 0...9, using: &random) {
            let text = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                words.randomElement(using: &random)!
            }
            let string = "\"\(text.joined())\""
            let event = [
                delta("{\"content\":\(string)}"), delta("{\"content\":\(string)}"),
                delta("{\"role\":\"assistant\",\"content\":null,\"x\":\(string)}"),
                "data: {\"error\":\(string)}\n\n", "data: {\"error\":{\"message\":\n\(string)}}\n\n",
                "data: {\"error\":{\"message\":\ndata:\(string)}}\n\n",
                ": note\n", "event: \(text.joined())\n", "\n", "data:\n\n", "id", done,
            ].randomElement(using: &random)!
            stream += event
        }
        let end = ["\n", "\r", "\r\n"].randomElement(using: &random)!
        stream = stream.replacing("\n", with: end)
        let bytes = Array(stream.utf8)
        let cuts = (0..<Int.random(in: 0...5, using: &random)).map { _ in
            Int.random(in: 0...bytes.count, using: &random)
        }
        let found = chat(bytes, cuts: cuts.sorted())
        let expected = naive(
            stream.hasPrefix("\u{FEFF}") ? String(stream.unicodeScalars.dropFirst()) : stream)
        #expect(found.progress == expected.progress, "\(stream.debugDescription)")
        #expect(try decoded(found.text) == expected.contents, "\(stream.debugDescription)")
    }

    @Test func `what is held goes back`() {
        let blocks = BlockPool()
        var stream = SimpleChatStream()
        var output = ByteQueue()
        withExactBytes("data: {\ndata: ") {
            _ = stream.take(UnsafeRawBufferPointer($0), into: &output, blocks: blocks)
        }
        stream.release(to: blocks)
        stream.release(to: blocks)
        #expect(output.isEmpty)
    }
}
