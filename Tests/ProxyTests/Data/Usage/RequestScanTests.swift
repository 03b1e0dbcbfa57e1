// Covers RequestScan.swift, RequestFacts.swift, RequestMember.swift, InputEstimate.swift
import JSON
import Testing

@testable import Proxy

private func scan(_ body: String) -> RequestScan.Outcome {
    withExactBytes(body) { RequestScan.scan(UnsafeRawBufferPointer($0)) }
}

private func facts(_ body: String) -> RequestFacts? {
    guard case .facts(let facts) = scan(body) else { return nil }
    return facts
}

private func model(_ body: String) -> String? {
    facts(body)?.model.map { String(decoding: Array(body.utf8)[$0.range], as: UTF8.self) }
}

/// `body` with its edit made; nil if there is none to make.
private func edited(_ body: String) -> String? {
    guard let edit = facts(body)?.usageEdit else { return nil }
    var bytes = Array(body.utf8)
    bytes.replaceSubrange(
        edit.offset..<edit.offset + edit.removeCount, with: Array(edit.insertion.description.utf8))
    return String(decoding: bytes, as: UTF8.self)
}

@Suite(.tags(.fast)) struct RequestScanTests {
    @Test func `a chat request says what it asks for`() throws {
        let body = #"""
            {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello there"}], "stream": true, "n": 2,
             "max_tokens": 100, "max_completion_tokens": 250, "tools": [{"model": "x", "stream": false, "n": 9}]}
            """#
        let found = try #require(facts(body))
        #expect(model(body) == "gpt-5-mini")
        #expect(found.streams)
        #expect(found.outputMax == 250)
        #expect(found.choices == 2)
    }

    /// Without where it stands.
    private func asked(_ body: String) -> RequestFacts? {
        var found = facts(body)
        found?.start = 0
        found?.isEmpty = false
        found?.otherModel = nil
        return found
    }

    @Test func `where members may be put is known, and what is there instead of a name`() throws {
        for (body, start, isEmpty) in [("{}", 1, true), (" { \n}", 2, true), (#"{"a":1}"#, 1, false)] {
            #expect(facts(body)?.start == start && facts(body)?.isEmpty == isEmpty, "\(body)")
        }
        #expect(facts(#"{"model": null}"#)?.otherModel == 10..<14)
        #expect(facts(#"{"model":[1]}"#)?.otherModel == 9..<12)
        #expect(facts(#"{"model":"x"}"#)?.otherModel == nil)
        #expect(facts(#"{"temperature":0}"#)?.hasTemperature == true)
        #expect(facts(#"{"a":{"temperature":0}}"#)?.hasTemperature == false)
    }

    @Test func `what is not given has its default`() throws {
        #expect(asked("{}") == RequestFacts())
        #expect(asked(" { } \n") == RequestFacts())
        let null =
            #"{"model":null,"stream":null,"n":null,"max_tokens":null,"best_of":null,"stream_options":null}"#
        #expect(asked(null) == RequestFacts())
        #expect(facts(#"{"a":{"model":"x"}}"#)?.model == nil)
        for value in ["5", "[\"x\"]", "{\"a\":[1]}", "true"] {
            #expect(facts(#"{"model":\#(value)}"#)?.model == nil)
        }
        #expect(model(#"{"mod\u0065l":"gpt\u002d4"}"#) == #"gpt\u002d4"#)
        #expect(facts(#"{"best_of":5,"n":2}"#)?.choices == 5)
        #expect(facts(#"{"n":0}"#)?.choices == 1)
        #expect(facts(#"{"max_output_tokens":9,"max_tokens":0}"#)?.outputMax == 9)
        #expect(facts(#"{"max_tokens":0}"#)?.outputMax == 0)
        #expect(facts(#"{"max_tokens":9007199254740992}"#)?.outputMax == 1 << 53)
    }

    @Test func `what is no JSON object is told apart`() {
        for body in [
            "", " ", "{", #"{"a":1"#, #"{"a":1,}"#, "{}x", "{}{}", "nul", #"{"a":"\x"}"#, "{'a':1}",
            "\u{FEFF}{}",
        ] {
            #expect(scan(body) == .failure(.notJSON), "\(body)")
        }
        for body in ["[]", "null", "1", #""model""#, "[{"] {
            #expect(scan(body) == .failure(.notObject), "\(body)")
        }
        #expect(scan(#"{"a":"# + String(repeating: "[", count: 100)) == .failure(.notJSON))
    }

    @Test func `a model that readers may take for another is refused`() {
        for body in [
            #"{"model":"a","model":"a"}"#, #"{"model":"a","x":[],"mode\u006C":"x"}"#,
            #"{"model":"a","Model":"x"}"#,
            #"{"model":null,"MODEL":"x"}"#, #"{"model":"a","M\u004Fdel":"x"}"#,
        ] {
            #expect(scan(body) == .failure(.modelAmbiguous), "\(body)")
        }
        for body in [#"{"Model":"a"}"#, #"{"Model":"x","model":"a"}"#, #"{"\u004dodel":"a"}"#] {
            #expect(scan(body) == .failure(.modelMisspelt), "\(body)")
        }
    }

    private static let names = [
        "stream", "stream_options", "n", "best_of", "max_tokens", "max_completion_tokens",
        "max_output_tokens",
    ]

    @Test(arguments: names)
    func `a member that counts stands there once, in its own spelling`(name: String) {
        #expect(facts(#"{"\#(name)":null}"#) != nil)
        let first = name.prefix(1)
        let escaped = #"\u00"# + String(first.utf8.first!, radix: 16) + name.dropFirst()
        #expect(facts(#"{"\#(escaped)":null}"#) != nil)
        #expect(facts(#"{"a":{"\#(name)":"x","\#(name.uppercased())":1}}"#) != nil)
        for second in [name, name.uppercased(), escaped] {
            #expect(scan(#"{"\#(name)":null,"a":1,"\#(second)":null}"#) == .failure(.memberAmbiguous))
        }
        var others = [name.uppercased(), first.uppercased() + name.dropFirst()]
        if name.contains("s") { others.append(name.replacing("s", with: "\u{17F}")) }
        if name.contains("k") { others.append(name.replacing("k", with: "\u{212A}")) }
        if name.contains("k") { others.append(name.replacing("k", with: #"\u212a"#)) }
        for other in others {
            #expect(scan(#"{"\#(other)":null}"#) == .failure(.memberAmbiguous), "\(other)")
        }
        for other in [
            name + "x", "x" + name, name + " ", "\u{17E}" + name.dropFirst(),
            name.replacing("_", with: "-") + "_",
        ] {
            #expect(facts(#"{"\#(other)":7}"#) != nil, "\(other)")
        }
    }

    @Test(arguments: names)
    func `a member that counts has a value that it can have`(name: String) {
        let isCount = !["stream", "stream_options"].contains(name)
        for value in [#""1""#, "[]", "{}", "-1", "1.0", "1e2", "9007199254740993", "true", "0.5", "-0.5"] {
            let isGood =
                switch value {
                case "true": name == "stream"
                case "{}": name == "stream_options"
                case "1.0": isCount
                case "-1": name.hasPrefix("max_")
                default: false
                }
            #expect(
                (scan(#"{"\#(name)":\#(value)}"#) == .failure(.memberInvalid)) != isGood, "\(name) \(value)")
        }
    }

    @Test func `a limit that is null or negative is none, one with a fraction of zeros is whole`() {
        for name in ["max_tokens", "max_completion_tokens", "max_output_tokens"] {
            for value in ["null", "-1", "-1.0", "-9007199254740992"] {
                #expect(asked(#"{"\#(name)":\#(value)}"#) == RequestFacts(), "\(value)")
                #expect(facts(#"{"max_tokens":7,"a":{"\#(name)":\#(value)}}"#)?.outputMax == 7)
            }
            for value in ["4096", "4096.0", "4096.000"] {
                #expect(facts(#"{"\#(name)":\#(value)}"#)?.outputMax == 4096, "\(value)")
            }
            for (value, count) in [("1", 1), ("999999", 999_999), ("1000000", 1_000_000)] {
                #expect(facts(#"{"\#(name)":\#(value) }"#)?.outputMax == UInt64(count))
            }
            for value in ["007", "7x", "7.", "7e"] {
                #expect(scan(#"{"\#(name)":\#(value)}"#) == .failure(.notJSON), "\(value)")
            }
        }
        #expect(facts(#"{"max_tokens":-1,"max_completion_tokens":9}"#)?.outputMax == 9)
        for name in ["n", "best_of"] {
            #expect(scan(#"{"\#(name)":-1}"#) == .failure(.memberInvalid))
            #expect(facts(#"{"\#(name)":3.0}"#)?.choices == 3)
        }
    }

    // MARK: The edit

    @Test(arguments: [
        (#"{"stream":true}"#, #"{"stream":true,"stream_options":{"include_usage":true}}"#),
        ("{ \"stream\" : true } \n", "{ \"stream\" : true ,\"stream_options\":{\"include_usage\":true}} \n"),
        (
            #"{"stream_options":null,"stream":true}"#,
            #"{"stream_options":{"include_usage":true},"stream":true}"#
        ),
        (
            #"{"stream_options":{},"stream":true}"#,
            #"{"stream_options":{"include_usage":true},"stream":true}"#
        ),
        (
            #"{"stream":true,"stream_options": { } }"#,
            #"{"stream":true,"stream_options": {"include_usage":true } }"#
        ),
        (
            #"{"stream":true,"stream_options":{"a":{"include_usage":true}}}"#,
            #"{"stream":true,"stream_options":{"include_usage":true,"a":{"include_usage":true}}}"#
        ),
        (
            #"{"stream":true,"stream_options":{"include_usage":false,"a":1}}"#,
            #"{"stream":true,"stream_options":{"include_usage":true,"a":1}}"#
        ),
        (
            #"{"stream":true,"stream_options":{"a":1,"include_us\u0061ge": null }}"#,
            #"{"stream":true,"stream_options":{"a":1,"include_us\u0061ge": true }}"#
        ),
        (#"{"stream":true,"stream_options":{"include_usage":true}}"#, nil), (#"{"stream":false}"#, nil),
        ("{}", nil),
        (#"{"stream_options":{}}"#, nil), (#"{"a":{"stream":true}}"#, nil),
    ])
    func `the edit makes a stream say its usage, and changes nothing else`(body: String, expected: String?) {
        #expect(edited(body) == expected)
        if let expected {
            #expect(edited(expected) == nil)
            #expect(facts(expected)?.streams == true)
        }
    }

    @Test func `options are refused where readers may differ`() {
        for options in [
            #"{"include_usage":true,"include_usage":false}"#, #"{"Include_usage":true}"#,
            #"{"include_usage":true,"INCLUDE_USAGE":false}"#, #"{"include_u\u017fage":true}"#,
        ] {
            #expect(scan(#"{"stream_options":\#(options)}"#) == .failure(.memberAmbiguous), "\(options)")
        }
        for options in [#"{"include_usage":1}"#, #"{"include_usage":"true"}"#, "[]", "5", "true", #""x""#] {
            #expect(scan(#"{"stream_options":\#(options)}"#) == .failure(.memberInvalid), "\(options)")
        }
        #expect(
            facts(#"{"include_usage":5,"stream_options":{"include_obfuscation":false,"model":1,"n":"x"}}"#)
                != nil)
    }

    @Test func `at the top include_usage means nothing`() {
        let body =
            #"{"include_usage":5,"include_usage":6,"stream":true,"stream_options":{"include_usage":true}}"#
        #expect(facts(body)?.streams == true)
        #expect(edited(body) == nil)
    }

    // MARK: The estimate

    private func estimate(_ body: String) -> UInt64? { facts(body)?.inputTokensEstimate }

    @Test func `a quarter of ASCII, half of all else, and some for each message`() {
        #expect(estimate(#"{"prompt":"12345678"}"#) == 2)
        #expect(estimate(#"{"prompt":"123456789"}"#) == 3)
        #expect(estimate(#"{"prompt":["1234",["5678",{"a":"9"}]]}"#) == 3)
        #expect(estimate(#"{"prompt":"世界"}"#) == 3)
        #expect(estimate(#"{"prompt":"ab世cd"}"#) == 3)
        #expect(estimate(#"{"prompt":"\u4e16\u754c"}"#) == 3)
        #expect(estimate(#"{"prompt":"aaaaaaaaaaaaaaaaé"}"#) == 5)
        #expect(estimate(#"{"model":"a long name that is no prompt","n":1}"#) == 0)
        #expect(estimate(#"{"model":["a long name that is no prompt"]}"#) == 0)
        let message = #"{"content":"12345678"}"#
        #expect(estimate(#"{"messages":[\#(message)]}"#) == 6)
        #expect(estimate(#"{"messages":[\#(message),\#(message)]}"#) == 12)
        #expect(estimate(#"{"input":[\#(message)]}"#) == 6)
        #expect(estimate(#"{"messages":[{"content":[{"text":"12345678"}]}]}"#) == 6)
        #expect(estimate(#"{"messages":{"a":{"b":{}}},"tools":[\#(message)]}"#) == 2)
    }

    @Test func `what is no text does not count by its bytes`() {
        let long = String(repeating: "QUJD", count: 2000)
        #expect(estimate(#"{"url":"data:image/png;base64,\#(long)"}"#) == 1000)
        #expect(estimate(#"{"url":"data:"}"#) == 1000)
        #expect(estimate(#"{"url":"data"}"#) == 1)
        #expect(estimate(#"{"data":"\#(long)"}"#) == 1000)
        #expect(estimate(#"{"data":"\#(long)\/\#(long)\/"}"#) == 1000)
        #expect(estimate(#"{"data":"\#(long) "}"#) == 2001)
        #expect(estimate(#"{"data":"\#(long)\n"}"#) == 2001)
        #expect(estimate(#"{"data":"\#(long.prefix(4095))"}"#) == 1024)
        #expect(estimate(#"{"data":"\#(long.prefix(4096))"}"#) == 1000)
        #expect(estimate(#"{"data":"\#(String(repeating: "世", count: 2000))"}"#) == 3000)
    }

    @Test func `bodies of many small tokens, and the reader agrees on what is JSON`() {
        var random = SeededGenerator(seed: 11)
        let parts = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"model\"", "\"stream\"", "true", "null", "1", "-1", " ",
            "\"\\u00e9\"",
            "\"n\"", "\"é\"", "\"", "\\", "{\"a\":", "\"stream_options\":{", "\"b\":[",
        ]
        for _ in 0..<20_000 {
            let body =
                "{"
                + (0..<Int.random(in: 0...9, using: &random)).map { _ in parts.randomElement(using: &random)!
                }.joined()
            let isValid = withExactBytes(body) { isJSON(UnsafeRawBufferPointer($0)) }
            switch scan(body) {
            case .facts: #expect(isValid, "\(body)")
            case .failure(.notJSON): #expect(!isValid, "\(body)")
            case .failure: break
            }
        }
        let many = "{\"a\":[" + String(repeating: "{\"\":[]},", count: 50_000) + "0]}"
        #expect(estimate(many) == 0)
    }
}

private func isJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = JSONReader(bytes, depthLimit: JSONReader.depthMax)
    while true {
        switch Result(catching: { () throws(JSONError) in try reader.next() }) {
        case .success(.end): return true
        case .success: continue
        case .failure: return false
        }
    }
}
