import Testing

@testable import Proxy

// Covers ModelName.swift

@Suite(.tags(.fast)) struct `Bodies on their way` {
    private let blocks = BlockPool()

    private func text(_ text: String) -> PlanText { PlanText(text) }

    private func edited(
        _ body: String, _ name: ModelTarget.Name = .asSent, _ defaults: BodyDefaults = .none,
        usage: Bool = false
    ) throws -> String {
        var bytes = Array(body.utf8)
        return try bytes.withUnsafeMutableBytes { buffer in
            let body = UnsafeRawBufferPointer(buffer)
            guard case .facts(let facts) = RequestScan.scan(body) else { throw Unexpected("no facts") }
            let edits = facts.edits(of: body, name: name, defaults: defaults, asksUsage: usage)
            var queue = ByteQueue()
            edits.write(body, into: &queue, from: blocks)
            defer { queue.release(to: blocks) }
            #expect(queue.count == body.count + edits.growth)
            return String(decoding: queue.bytes, as: UTF8.self)
        }
    }

    private func defaults(model: String? = nil, temperature: String? = nil) -> BodyDefaults {
        BodyDefaults(
            model: model.map { (json: PlanText("\"\($0)\""), name: PlanText($0)) },
            temperature: temperature.map { PlanText($0) })
    }

    @Test(arguments: [
        (#"{"model":"fast","n":1}"#, #"{"model":"gpt-5","n":1}"#),
        (#" {"n":1, "model" : "fast" } "#, #" {"n":1, "model" : "gpt-5" } "#),
        (#"{"model":"f\u0061st"}"#, #"{"model":"gpt-5"}"#),
        (#"{"model":""}"#, #"{"model":"gpt-5"}"#),
    ])
    func `an alias takes the place of the name, and nothing else changes`(body: String, wanted: String) throws
    {
        #expect(try edited(body, .fixed(text("\"gpt-5\""))) == wanted)
    }

    @Test(arguments: [
        (#"{"model":"local/llama"}"#, 6, #"{"model":"llama"}"#),
        (#"{"model":"local\/llama"}"#, 6, #"{"model":"llama"}"#),
        (#"{"model":"loc\u0061l\/ll\/ama"}"#, 6, #"{"model":"ll\/ama"}"#),
        (#"{"model":"é/x"}"#, 3, #"{"model":"x"}"#),
        (#"{"model":"\u00e9/x"}"#, 3, #"{"model":"x"}"#),
        (#"{"model":"\u20ac/x"}"#, 4, #"{"model":"x"}"#),
        (#"{"model":"\ud83d\ude00/x"}"#, 5, #"{"model":"x"}"#),
    ])
    func `a prefix is taken off, however it is written`(body: String, count: Int, wanted: String) throws {
        #expect(try edited(body, .stripped(count)) == wanted)
    }

    @Test func `a prefix that ends within a character is none`() {
        for raw in ["\\u00e9", "\\ud83d\\ude00", "ab", "\\", "\\u00"] {
            let bytes = Array(raw.utf8)
            let found = bytes.withUnsafeBytes { ModelName.rawCount(ofFirst: 3, in: $0) }
            #expect(found == nil, "\(raw)")
        }
    }

    @Test(arguments: [
        (#"{"messages":[]}"#, #"{"model":"m","messages":[]}"#), ("{}", #"{"model":"m"}"#),
        ("{ }", #"{"model":"m" }"#), (#"{"model":null,"n":1}"#, #"{"model":"m","n":1}"#),
        (#"{"model":"x"}"#, #"{"model":"x"}"#), (#"{"model":7}"#, #"{"model":7}"#),
    ])
    func `a default model stands where none is named`(body: String, wanted: String) throws {
        #expect(try edited(body, .asSent, defaults(model: "m")) == wanted)
    }

    @Test(arguments: [
        ("{}", #"{"temperature":0.5}"#), (#"{"n":1}"#, #"{"temperature":0.5,"n":1}"#),
        (#"{"temperature":1}"#, #"{"temperature":1}"#), (#"{"temperature":null}"#, #"{"temperature":null}"#),
    ])
    func `a default temperature stands where there is none`(body: String, wanted: String) throws {
        #expect(try edited(body, .asSent, defaults(temperature: "0.5")) == wanted)
    }

    @Test func `all of it at once is still one object`() throws {
        let both = defaults(model: "local/m", temperature: "1.0")
        #expect(try edited("{}", .asSent, both) == #"{"model":"local/m","temperature":1.0}"#)
        #expect(
            try edited(#"{"stream":true}"#, .stripped(6), both, usage: true)
                == #"{"model":"m","temperature":1.0,"stream":true,"stream_options":{"include_usage":true}}"#)
        #expect(
            try edited(
                #"{"stream":true,"stream_options":{},"model":"a"}"#, .fixed(text("\"b\"")), usage: true)
                == #"{"stream":true,"stream_options":{"include_usage":true},"model":"b"}"#)
        #expect(try edited("{}", .fixed(text("\"b\"")), both) == #"{"model":"b","temperature":1.0}"#)
    }

    @Test func `a body without a name and without a default goes on as it is`() throws {
        #expect(try edited(#"{"n":1}"#, .fixed(text("\"b\""))) == #"{"n":1}"#)
    }
}
