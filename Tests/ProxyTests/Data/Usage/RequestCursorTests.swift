// Covers RequestCursor.swift, RequestString.swift
import JSON
import Stores
import Testing

@testable import Proxy

private func isTaken(_ body: [UInt8]) -> Bool {
    withExactBytes(body) { RequestScan.scan(UnsafeRawBufferPointer($0)) != .failure(.notJSON) }
}

/// What `JSONReader` says to it.
private func isJSON(_ body: [UInt8]) -> Bool {
    withExactBytes(body) { bytes in
        var reader = JSONReader(UnsafeRawBufferPointer(bytes), depthLimit: JSONReader.depthMax)
        while true {
            switch Result(catching: { () throws(JSONError) in try reader.next() }) {
            case .success(.end): return true
            case .success: continue
            case .failure: return false
            }
        }
    }
}

/// `value` as it stands between others, and as all that there is.
private func bodies(with value: [UInt8]) -> [[UInt8]] {
    [
        Array(#"{"a":"#.utf8) + value + Array("}".utf8),
        Array(#"{"a":[1,"#.utf8) + value + Array(#"],"b":{"c":"#.utf8) + value + Array("}}".utf8),
        Array(#"{"stream_options":{"a":"#.utf8) + value + Array(#"},"model":"#.utf8) + value
            + Array("}".utf8),
    ]
}

/// The one or the other way, and as the reader has it.
private func expect(_ value: [UInt8], isTaken expected: Bool, _ what: String) {
    for body in bodies(with: value) {
        #expect(isTaken(body) == expected, "\(what)")
        #expect(isJSON(body) == expected, "\(what)")
    }
}

@Suite(.tags(.fast)) struct RequestCursorTests {
    @Test func `numbers and words are those of RFC 8259`() {
        for value in ["0", "-0", "10", "-1.5", "0.0", "1e2", "1E+2", "1e-20", "0e0", "true", "false", "null"]
        {
            expect(Array(value.utf8), isTaken: true, value)
        }
        for value in [
            "", "-", "01", "-01", "00", "1.", ".5", "1.e2", "1e", "1e+", "+1", "1x", "1.2.3", "0x1", "1-",
            "tru", "truee", "True", "nul", "NaN", "Infinity", "-true", "/*x*/1", "'a'", "1,", "1 2",
            "\u{FEFF}1",
            "\u{0}", "\u{B}1", "}", "]", ":1", "1//",
        ] {
            expect(Array(value.utf8), isTaken: false, value)
        }
    }

    @Test func `objects and arrays end as they began`() {
        for value in [
            "{}", "[]", "[ ]", "{ }", "[[]]", "[{}]", #"{"":{}}"#, "[1 , 2]", #"{"a" : 1 , "a" : 2}"#,
        ] {
            expect(Array(value.utf8), isTaken: true, value)
        }
        for value in [
            "{]", "[}", "[1,]", "[,1]", #"{"a":1,}"#, "{,}", "{1:2}", #"{"a"}"#, #"{"a":}"#, #"{"a" 1}"#,
            "{a:1}",
            "[1;2]", "[[]", "[]]", "{}}", #"{"a":1"b":2}"#, "[1 1]", #"{"a":1]"#,
        ] {
            expect(Array(value.utf8), isTaken: false, value)
        }
    }

    @Test func `an object that ends too late or too early is none`() {
        for value in ["{}", #"{"a":{}}"#, "[{}]", "1", "null", #""}""#] {
            for name in ["model", "messages", "a"] + (value.hasPrefix("{") ? ["stream_options"] : []) {
                let body = #"{"\#(name)":\#(value)"#
                #expect(!isTaken(Array(body.utf8)), "\(body)")
                #expect(!isTaken(Array("\(body)}}".utf8)), "\(body)")
                #expect(!isTaken(Array("\(body)},{}".utf8)), "\(body)")
            }
        }
    }

    @Test(arguments: ["[", #"{"a":"#])
    func `nothing is nested deeper than the reader takes it`(opening: String) {
        for count in 60...66 {
            let inside = opening == "[" ? "" : "1"
            let closing = String(repeating: opening == "[" ? "]" : "}", count: count)
            let value = Array((String(repeating: opening, count: count) + inside + closing).utf8)
            for (body, around) in zip(bodies(with: value), [1, 2, 2]) {
                #expect(isTaken(body) == (count + around <= JSONReader.depthMax), "\(count)")
                #expect(isJSON(body) == isTaken(body), "\(count)")
            }
        }
    }

    /// Why at each offset: what is looked for sixteen and sixty-four at a time, ends anywhere in them.
    @Test func `escapes and control characters are seen wherever they are`() {
        let good = [
            #"\""#, #"\\"#, #"\/"#, #"\b\f\n\r\t"#, #"\u00e9"#, #"\uFFFF"#, #"\ud83d\ude00"#, "\u{7F}", "/",
        ]
        let bad = [
            "\u{0}", "\u{1F}", "\n", "\t", #"\x"#, #"\"#, #"\u"#, #"\u12"#, #"\u12g4"#, #"\ud800"#,
            #"\udc00"#,
            #"\ud800\u0041"#, #"\ud83d\ud83d"#, #"\ud83dxxxxxx"#, #"\ud83d\n"#, #"\U0041"#, "\"",
        ]
        for (texts, expected) in [(good, true), (bad, false)] {
            for text in texts {
                for before in [0, 1, 7, 8, 15, 16, 17, 31, 63, 64, 79, 80, 81, 150] {
                    let value = "\"" + String(repeating: "a", count: before) + text + "xy\""
                    expect(Array(value.utf8), isTaken: expected, value)
                }
            }
        }
    }

    @Test func `UTF-8 is as strict as the reader has it`() {
        // Each first and second octet, then what would go on.
        for first in UInt8(0x80)...0xFF {
            for second in [0x22, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] as [UInt8] {
                for rest in [[], [0x80], [0x80, 0x80], [0xBF, 0xBF], [0x80, 0x41], [0x80, 0xC0]] as [[UInt8]]
                {
                    let value = [0x22, first, second] + rest + [0x22]
                    for body in bodies(with: value) {
                        #expect(isTaken(body) == isJSON(body), "\(value)")
                    }
                }
            }
        }
    }

    @Test func `the estimate counts octets beyond ASCII wherever they are`() {
        for before in 0..<140 {
            for text in ["é", "世", "😀", "é世😀é"] {
                let string = String(repeating: "a", count: before) + text + #"\n"# + text + "bc"
                let body = #"{"prompt":"\#(string)"}"#
                guard case .facts(let facts) = withExactBytes(body, { RequestScan.scan(.init($0)) }) else {
                    Issue.record("\(body)")
                    continue
                }
                let others = 2 * text.utf8.count
                let expected = (string.utf8.count - others + 3) / 4 + (others + 1) / 2
                #expect(facts.inputTokensEstimate == UInt64(expected), "\(body)")
            }
        }
    }

    // MARK: Against the reader

    private static let seeds: [[UInt8]] = {
        let folder = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let names = [
            "JSON/chat", "JSON/comma", "JSON/deep", "JSON/half-pair", "JSON/numbers", "JSON/strings",
            "JSON/surrogate", "JSON/tokens", "JSON/twice", "RequestScan/blob", "RequestScan/chat",
            "RequestScan/empty", "RequestScan/escaped", "RequestScan/not", "RequestScan/null",
            "RequestScan/open", "RequestScan/options", "RequestScan/twice",
        ]
        return names.map { name in
            (try? readFile("/\(folder)/Fuzz/Corpus/\(name)", limitBytes: 1 << 20)) ?? []
        }
    }()

    /// Why with others: a body is refused as no object before the rest of it is read.
    private func expectAgreement(_ body: [UInt8]) {
        let scanned = withExactBytes(body) { RequestScan.scan(UnsafeRawBufferPointer($0)) }
        switch scanned {
        case .facts: #expect(isJSON(body), "\(String(decoding: body, as: UTF8.self))")
        case .failure(.notJSON): #expect(!isJSON(body), "\(String(decoding: body, as: UTF8.self))")
        case .failure: break
        }
    }

    @Test func `seeds of the fuzzer and what they become by chance`() {
        var random = SeededGenerator(seed: 29)
        for seed in RequestCursorTests.seeds {
            #expect(!seed.isEmpty)
            for body in [seed] + bodies(with: seed) { expectAgreement(body) }
            for _ in 0..<1500 {
                var body = bodies(with: seed).randomElement(using: &random)!
                for _ in 0..<Int.random(in: 1...3, using: &random) { change(&body, &random) }
                expectAgreement(body)
            }
        }
    }

    private func change(_ body: inout [UInt8], _ random: inout SeededGenerator) {
        let place = Int.random(in: 0..<body.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: body[place] = UInt8.random(in: 0...255, using: &random)
        case 1: body[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: body.insert(Array(#"{}[],:"\ -0.eu"#.utf8).randomElement(using: &random)!, at: place)
        case 3: body.insert(contentsOf: body[place...].prefix(20), at: place)
        default: if body.count > 1 { body.remove(at: place) }
        }
    }
}
