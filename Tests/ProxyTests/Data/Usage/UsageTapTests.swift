// Covers UsageTap.swift, AnswerReader.swift, AnswerReader+Values.swift, JSONScan.swift, AnswerModel.swift
import Testing

@testable import Proxy

/// All that a tap has seen.
private struct Seen: Equatable {
    var usage: AnswerUsage?
    var tokens: UInt64
    var model: String
    var sawDone: Bool
    var isAtEventBoundary: Bool

    init(_ tap: UsageTap) {
        usage = tap.reported
        tokens = tap.outputTokensSeen
        model = tap.model.withBytes { String(decoding: $0, as: UTF8.self) }
        sawDone = tap.sawDone
        isAtEventBoundary = tap.isAtEventBoundary
    }
}

private func tap(_ bytes: some Collection<UInt8>, isEventStream: Bool, cuts: [Int] = [], finish: Bool = false)
    -> UsageTap
{
    var tap = UsageTap(isEventStream: isEventStream)
    let bytes = Array(bytes)
    var start = 0
    for end in cuts + [bytes.count] {
        withExactBytes(Array(bytes[start..<end])) { tap.scan(UnsafeRawBufferPointer($0)) }
        start = end
    }
    if finish { tap.finish() }
    return tap
}

private func reported(_ text: String, isEventStream: Bool = false) -> AnswerUsage? {
    tap(text.utf8, isEventStream: isEventStream, finish: true).reported
}

private func usage(_ input: UInt64, _ output: UInt64, cached: UInt64 = 0) -> AnswerUsage {
    AnswerUsage(inputTokens: input, outputTokens: output, cachedInputTokens: cached)
}

@Suite(.tags(.fast)) struct UsageTapTests {
    @Test(arguments: AnswerShape.all)
    func `each API's answer is understood`(shape: AnswerShape) {
        let seen = Seen(tap(shape.bytes, isEventStream: shape.isEventStream, finish: true))
        #expect(seen.usage == shape.usage)
        #expect(seen.tokens == shape.tokensSeen)
        #expect(seen.model == shape.model)
        #expect(seen.sawDone == shape.text.contains("data: [DONE]"))
        #expect(seen.isAtEventBoundary == shape.isEventStream)
    }

    @Test(arguments: AnswerShape.all)
    func `how an answer is cut makes no difference`(shape: AnswerShape) {
        let whole = Seen(tap(shape.bytes, isEventStream: shape.isEventStream))
        for cut in 0...shape.bytes.count {
            let seen = Seen(tap(shape.bytes, isEventStream: shape.isEventStream, cuts: [cut]))
            #expect(seen == whole, "cut at \(cut)")
        }
        let bytewise = Array(0..<shape.bytes.count)
        #expect(Seen(tap(shape.bytes, isEventStream: shape.isEventStream, cuts: bytewise)) == whole)
    }

    @Test(arguments: AnswerShape.all)
    func `an answer that ends early says what was whole by then`(shape: AnswerShape) {
        for count in 0...shape.bytes.count {
            let prefix = shape.bytes[..<count]
            let reference = ReferenceReading(Array(prefix), isEventStream: shape.isEventStream)
            let seen = Seen(tap(prefix, isEventStream: shape.isEventStream, finish: true))
            #expect(seen.usage == reference.usage, "after \(count)")
            #expect(seen.tokens == UInt64(reference.tokensSeen), "after \(count)")
        }
    }

    @Test(arguments: AnswerShape.streams, ["\r\n", "\r"])
    func `lines may end in any way`(shape: AnswerShape, end: String) {
        let text = shape.text.replacing("\n", with: end)
        let whole = Seen(tap(text.utf8, isEventStream: true))
        #expect(whole == Seen(tap(shape.bytes, isEventStream: true)))
        #expect(Seen(tap(text.utf8, isEventStream: true, cuts: Array(0..<text.utf8.count))) == whole)
        for cut in 0...text.utf8.count {
            #expect(Seen(tap(text.utf8, isEventStream: true, cuts: [cut])) == whole)
        }
    }

    @Test(arguments: AnswerShape.streams)
    func `a byte order mark, no space and other fields change nothing`(shape: AnswerShape) {
        let whole = Seen(tap(shape.bytes, isEventStream: true))
        for text in [
            "\u{FEFF}" + shape.text, shape.text.replacing("data: ", with: "data:"),
            shape.text.replacing("data: ", with: "id: 1\n: note\nretry: 10\ndatax: {\ndata\ndata: "),
            "\n\n\n" + shape.text,
        ] {
            #expect(Seen(tap(text.utf8, isEventStream: true)) == whole)
            #expect(Seen(tap(text.utf8, isEventStream: true, cuts: Array(0..<text.utf8.count))) == whole)
        }
    }

    @Test func `the stream stands between events behind an empty line alone`() {
        let text = ": note\n\ndata: {}\r\n\r\ndata: [DONE]\r\r"
        let boundaries = (0...text.utf8.count).filter {
            tap(Array(text.utf8)[..<$0], isEventStream: true).isAtEventBoundary
        }
        // Behind `\r\n\r` already: that line is empty, whether LF follows or not.
        #expect(boundaries == [0, 8, 19, 20, 34])
        #expect(!tap("{}".utf8, isEventStream: false).isAtEventBoundary)
    }

    @Test(arguments: [
        ("data: [DONE]", true), ("data:[DONE]", true), ("data: [DONE]\n", true),
        ("data: {}\n\ndata: [DONE]\n\n", true),
        ("data: [DONE] ", false), ("data: [DONE", false), ("data:  [DONE]\n", false),
        ("data: [DONE]x\n", false),
        ("data: {\"a\":\"\ndata: [DONE]\n\n", false), ("event: [DONE]\n", false), ("data: [done]\n", false),
    ])
    func `the end is its line, exactly`(text: String, isDone: Bool) {
        #expect(tap(text.utf8, isEventStream: true, finish: true).sawDone == isDone)
        let bytewise = Array(0..<text.utf8.count)
        #expect(tap(text.utf8, isEventStream: true, cuts: bytewise, finish: true).sawDone == isDone)
    }

    // MARK: What is no usage

    @Test(arguments: [
        #"{"a":{"usage":{"prompt_tokens":1}}}"#, #"{"response":{"a":{"usage":{"prompt_tokens":1}}}}"#,
        #"{"metadata":{"usage":{"prompt_tokens":1}}}"#, #"{"response":[{"usage":{"prompt_tokens":1}}]}"#,
        #"{"usage":[{"prompt_tokens":1}]}"#, #"{"usage":"{\"prompt_tokens\":1}"}"#,
        #"[{"usage":{"prompt_tokens":1}}]"#,
        #"{"a":"\",\"usage\":{\"prompt_tokens\":1},\""}"#, #"{"usage":null}"#, #"{"usage":{}}"#,
        #"{"usage":5}"#,
        #"{"us\u0061ge":{"prompt_tokens":1}}"#, #"{"usage":{"prompt\u005ftokens":1}}"#,
        #"{"Usage":{"prompt_tokens":1}}"#,
        #"{"usage ":{"prompt_tokens":1}}"#, #"{"usage":{"a":{"prompt_tokens":1}}}"#,
        #"{"usage":{"prompt_tokens":[1]}}"#,
        #"{"usage":{"prompt_tokens":"1"}}"#, #"{"choices":[{"usage":{"prompt_tokens":1}}]}"#,
        #"{"choices":{"usage":{"prompt_tokens":1}}}"#, #"{"x":1}{"usage":{"prompt_tokens":1}}"#,
        #"{"usage":{"prompt_tokens":1"#, #"{"usage":{"prompt_tokens":1]}"#, #"{"usage" {"prompt_tokens":1}}"#,
        #"{"a":1 "usage":{"prompt_tokens":1}}"#, #"{,"usage":{"prompt_tokens":1}}"#,
        #""usage":{"prompt_tokens":1}"#,
        #"{"usage":{"prompt_tokens":1 2}}"#, #"{"usage"::{"prompt_tokens":1}}"#,
        #"{"usage":{"cached_tokens":1}}"#,
        #"{'usage':{"prompt_tokens":1}}"#, "{\"usage\0\":{\"prompt_tokens\":1}}",
        #"{"output":[{"usage":{"prompt_tokens":1}}]}"#, #"{"delta":{"usage":{"prompt_tokens":1}}}"#,
    ])
    func `what only looks like a usage object is none`(text: String) {
        #expect(reported(text) == nil)
        #expect(reported("data: \(text)\n\n", isEventStream: true) == nil)
        let bytewise = Array(0..<text.utf8.count)
        #expect(tap(text.utf8, isEventStream: false, cuts: bytewise, finish: true).reported == nil)
    }

    @Test(
        arguments: [
            ("12", 12), ("12.0", 12), ("0", 0), ("9007199254740992", 9_007_199_254_740_992), ("7.000", 7),
            ("9007199254740993", nil), ("99999999999999999999999999999999999999", nil), ("-1", nil),
            ("1.5", nil),
            ("1e3", nil), ("012", nil), ("null", nil), ("true", nil), ("\"3\"", nil), ("+1", nil),
            ("1.", nil), (".0", nil),
            ("-0", nil), ("NaN", nil), ("18446744073709551617", nil),
        ] as [(String, UInt64?)])
    func `counts are integers as JSON has them, and silly ones are ignored`(number: String, count: UInt64?) {
        let text = #"{"usage":{"prompt_tokens":\#(number),"completion_tokens":5}}"#
        #expect(reported(text) == usage(count ?? 0, 5))
        let bytewise = tap(text.utf8, isEventStream: false, cuts: Array(0..<text.utf8.count))
        #expect(bytewise.reported == usage(count ?? 0, 5))
    }

    @Test func `the latest usage counts, and what it leaves out stays`() {
        #expect(reported(#"{"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":2}}"#) == usage(2, 0))
        #expect(reported(#"{"usage":{"prompt_tokens":1,"prompt_tokens":3}}"#) == usage(3, 0))
        let events = [
            #"{"usage":{"input_tokens":5,"cache_read_input_tokens":7}}"#, #"{"usage":{"output_tokens":9}}"#,
            #"{"usage":{"output_tokens":10,"input_tokens":6,"cache_read_input_tokens":null}}"#,
            #"{"usage":{"outp"#,
        ]
        let text = events.map { "data: \($0)\n\n" }.joined()
        #expect(reported(text, isEventStream: true) == usage(13, 10, cached: 7))
    }

    @Test func `members in the names of both families are counted once`() {
        #expect(
            reported(
                #"{"usage":{"input_tokens":0,"prompt_tokens":9,"input_tokens":0,"completion_tokens":4,"#
                    + #""output_tokens":0}}"#
            )
                == usage(9, 4))
        // Some gateways give OpenAI's numbers Anthropic's details.
        #expect(
            reported(#"{"usage":{"prompt_tokens":9,"completion_tokens":4,"cache_read_input_tokens":6}}"#)
                == usage(9, 4, cached: 6))
    }

    @Test func `no depth, however great, hides a usage or traps`() {
        for depth in [1, 31, 32, 33, 63, 64, 65, 255, 256, 257, 70_000] {
            let nested = String(repeating: #"{"a":["#, count: depth) + String(repeating: "]}", count: depth)
            for key in ["tools", "choices", "response", "delta", "usage"] {
                #expect(
                    reported(#"{"\#(key)":\#(nested),"usage":{"prompt_tokens":1}}"#) == usage(1, 0),
                    "\(key) \(depth)")
            }
            #expect(reported(#"{"choices":\#(nested.dropLast(2)),"usage":{"prompt_tokens":1}}"#) == nil)
            #expect(reported(String(repeating: "]", count: depth)) == nil)
        }
    }

    @Test func `octets that are no text are passed over`() {
        let before = Array(#"{"a":""#.utf8)
        let after = Array(#"","usage":{"prompt_tokens":1}}"#.utf8)
        for octets in [[0x00], [0xFF, 0xFE], [0xC3], [0x7F, 0x01, 0x1F], Array(repeating: 0x80, count: 40)]
            as [[UInt8]]
        {
            let bytes = before + octets + after
            #expect(tap(bytes, isEventStream: false).reported == usage(1, 0))
            #expect(tap(bytes, isEventStream: false, cuts: Array(0..<bytes.count)).reported == usage(1, 0))
        }
    }

    @Test func `a line's end in a string leaves an event that says nothing, and the next one counts`() {
        let broken = "data: {\"a\":\"x\ndata: y\",\"usage\":{\"prompt_tokens\":1}}\n\n"
        #expect(reported(broken, isEventStream: true) == nil)
        let next = "data: {\"usage\":{\"prompt_tokens\":2}}\n\n"
        #expect(reported(broken + next, isEventStream: true) == usage(2, 0))
    }

    /// Anthropic's streams begin with a usage object, and may break off before the next.
    @Test func `text behind a usage object is no part of it, until the next one`() {
        let start = #"data: {"message":{"usage":{"input_tokens":9,"output_tokens":1}}}"# + "\n\n"
        let text = #"data: {"delta":{"text":"Hello"}}"# + "\n\n"
        let both = #"data: {"choices":[{"delta":{"content":"a"}}],"usage":{"completion_tokens":4}}"# + "\n\n"
        func unreported(_ stream: String, cuts: [Int] = []) -> UInt64 {
            tap(stream.utf8, isEventStream: true, cuts: cuts).outputTokensUnreported
        }
        #expect(unreported(start) == 0)
        #expect(unreported(start + text + text) == 2)
        #expect(unreported(start + text + text.dropLast(6)) == 2)
        #expect(unreported(start + text + both) == 0)
        #expect(unreported(start + text + both.dropLast(3)) == 0)
        #expect(unreported(start + text + both + text) == 1)
        #expect(unreported(text + text) == 2)
        let all = start + text + both + text
        for cut in 0...all.utf8.count { #expect(unreported(all, cuts: [cut]) == 1) }
        let plain = #"{"usage":{"completion_tokens":4},"choices":[{"message":{"content":"Hello"}}]}"#
        #expect(tap(plain.utf8, isEventStream: false).outputTokensUnreported == 0)
    }

    // MARK: Text and model

    @Test(arguments: [
        (0, 0), (1, 1), (16, 1), (17, 5), (20, 5), (21, 6), (400, 100),
    ])
    func `an event with text is one token, or a quarter of its bytes`(count: Int, tokens: UInt64) {
        let content = String(repeating: "x", count: count)
        let event = #"data: {"choices":[{"delta":{"content":"\#(content)"}}]}"# + "\n\n"
        #expect(tap(event.utf8, isEventStream: true).outputTokensSeen == tokens)
        #expect(tap((event + event).utf8, isEventStream: true).outputTokensSeen == 2 * tokens)
        let plain = #"{"choices":[{"message":{"content":"\#(content)"}}]}"#
        #expect(tap(plain.utf8, isEventStream: false).outputTokensSeen == UInt64(count + 3) / 4)
    }

    @Test func `a name longer than there is room for is cut, and one that is not whole is none`() {
        let long = String(repeating: "m", count: 200)
        func model(_ text: String) -> String { Seen(tap(text.utf8, isEventStream: false)).model }
        #expect(model(#"{"model":"\#(long)"}"#) == String(repeating: "m", count: 96))
        #expect(model(#"{"model":"gpt"#) == "")
        #expect(model(#"{"model":"org\/a\"b","model":"x"}"#) == #"org/a"b"#)
        #expect(model(#"{"a":{"model":"x"},"model":["y"],"model":"","model":"z"}"#) == "z")
        #expect(model(#"{"message":{"model":"x","content":[{"model":"y"}]}}"#) == "x")
    }

    @Test func `a tap is small`() {
        #expect(MemoryLayout<UsageTap>.size <= 256)
        #expect(MemoryLayout<UsageTap>.stride <= 256)
    }
}
