import Testing

@testable import CLI

/// `to: models`: where a request goes by the model that it names, under which name, and what is asked next
/// where one upstream cannot.
@Suite(.scenario) struct FirstOf {
    private static let path = "/v1/chat/completions"

    /// Tells which upstream it is, and what the model was called there.
    private static func naming(_ name: String) throws -> ScriptedUpstream {
        try .answering { request in
            ok("\(name) \(try request.json()["model"]?.stringValue ?? "-")")
        }
    }

    private static func failing(_ status: Int) throws -> ScriptedUpstream {
        try .answering { _ in "HTTP/1.1 \(status) Whatever\r\nContent-Length: 5\r\n\r\nsorry" }
    }

    private func gate(_ one: String, _ two: String, _ more: String = "") throws -> Gate {
        try Gate(
            """
            process: { workers: 1 }
            access_log: $FOLDER/access.log
            models:
              "gpt-*": one
              "gpt-5*": two
              gpt-4: one/openai/gpt-5-mini
              "local/*": { upstream: two, strip_prefix: true }
              fast: { first_of: [one/big, two/small] }
              "any-*": { first_of: [one, two] }
            upstreams:
              one: { url: "\(one)"\(more) }
              two: { url: "\(two)" }
            routes: [{ path: /v1/**, auth: open, to: models }]
            """)
    }

    private func dead() throws -> String { "http://\(try Address.free().authority)" }

    @Test func `names, patterns and aliases lead to where they should, under the name there`() throws {
        let (one, two) = (try Self.naming("one"), try Self.naming("two"))
        let gate = try gate(one.url, two.url)
        for (model, wanted) in [
            ("gpt-3.5", "one gpt-3.5"), ("gpt-5.1", "two gpt-5.1"), ("gpt-4", "one openai/gpt-5-mini"),
            ("local/llama/3", "two llama/3"), ("fast", "one big"), ("any-x", "one any-x"),
        ] {
            #expect(try gate.chat(model: model).text == wanted)
        }
        let bodies = (one.requests + two.requests).map(\.text)
        #expect(bodies.contains(chatBody(model: "openai/gpt-5-mini")), "nothing else is changed")
        #expect(try gate.exchange("POST", Self.path, body: "{\"messages\":[]}").status == 400)
        #expect(try gate.chat(model: "").status == 400, "none is named")
        for model in ["nobody", "gpt", "GPT-4", "local"] {
            let refused = try gate.chat(model: model)
            #expect(
                refused.status == 404 && refused.errorCode == "model_not_found", "\(model): \(refused.text)")
        }
        #expect(one.requests.count + two.requests.count == 6)
    }

    /// S4-55.
    @Test func `where nobody listens the next is asked, under its own name`() throws {
        let two = try Self.naming("two")
        let gate = try gate(dead(), two.url)
        for _ in 0..<8 { #expect(try gate.chat(model: "fast").text == "two small") }
        #expect(try gate.chat(model: "any-x").text == "two any-x")
        #expect(two.requests.allSatisfy { Int($0["content-length"] ?? "") == $0.body.count })
        let attempts = try waitFor("all records") { () -> [Int?]? in
            let records = try gate.records()
            return records.count == 9 ? records.map { $0["attempts"]?.integerValue } : nil
        }
        #expect(attempts.first == 2)
        #expect(attempts.last == 1, "one that is left out is not asked first")
        #expect(try gate.chat(model: "gpt-1").status == 502, "others are not touched by that")
    }

    @Test(arguments: [429, 500, 502, 503, 504, 529]) func `an answer that others may better is not final`(
        status: Int
    ) throws {
        let (one, two) = (try Self.failing(status), try Self.naming("two"))
        let gate = try gate(one.url, two.url)
        #expect(try gate.chat(model: "fast").text == "two small")
        #expect(try gate.chat(model: "gpt-1").status == status, "nobody else is named")
        #expect(one.requests.map(\.text) == [chatBody(model: "big"), chatBody(model: "gpt-1")])
        #expect(two.requests.map(\.text) == [chatBody(model: "small")])
    }

    @Test(arguments: [400, 401, 403, 404, 409, 422, 501]) func `what nobody could better is final`(
        status: Int
    ) throws {
        let (one, two) = (try Self.failing(status), try Self.naming("two"))
        let gate = try gate(one.url, two.url)
        let answer = try gate.chat(model: "fast")
        #expect(answer.status == status && answer.text == "sorry")
        #expect(one.requests.count == 1 && two.requests.isEmpty)
    }

    @Test func `where all fail the last answer is the answer`() throws {
        let (one, two) = (try Self.failing(503), try Self.failing(429))
        let gate = try gate(one.url, two.url)
        let answer = try gate.chat(model: "fast")
        #expect(answer.status == 429 && answer.text == "sorry")
        #expect(one.requests.count == 1 && two.requests.count == 1)
    }

    @Test(arguments: [false, true]) func `a POST that was lost goes on only with post`(post: Bool) throws {
        let one = try ScriptedUpstream { connection in
            guard try connection.readRequest() != nil else { return }
            connection.wire.reset()
        }
        let two = try Self.naming("two")
        let gate = try gate(one.url, two.url, post ? ", retry: { attempts: 2, post: true }" : "")
        let answer = try gate.chat(model: "fast")
        #expect(post ? answer.text == "two small" : answer.errorCode == "upstream_closed", "\(answer.text)")
        #expect(one.requests.count == (post ? 2 : 1) && two.requests.count == (post ? 1 : 0))
    }

    @Test func `a stream fails over before it begins, and never after`() throws {
        let hasRead = Signal()
        let one = try ScriptedUpstream { connection in
            while let request = try connection.readRequest() {
                guard request.text.contains("\"cut\"") else {
                    try connection.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
                    continue
                }
                try connection.send(streamHead + chunk(streamEvent("cut", 0)))
                try hasRead.wait()
                return
            }
        }
        let two = try ScriptedUpstream.answering { _ in
            streamHead + chunk(streamEvent("two", 0)) + chunk("data: [DONE]\n\n") + "0\r\n\r\n"
        }
        let gate = try gate(one.url, two.url)
        let whole = try gate.chat(#""stream":true,"#, model: "fast")
        #expect(whole.text == streamEvent("two", 0) + "data: [DONE]\n\n")
        let client = try gate.connect()
        try client.send(gate.chatRequest(#""stream":true,"user":"cut","#, model: "fast"))
        #expect(try client.readThrough(streamEvent("cut", 0)) != nil)
        hasRead.open()
        let rest = String(decoding: try client.readToEnd().bytes, as: UTF8.self)
        #expect(!rest.contains("[DONE]") && !rest.hasSuffix("0\r\n\r\n"), "\(rest)")
        #expect(two.requests.count == 1)
    }

    @Test func `one that is left out is passed over on the way, too`() throws {
        let (one, three) = (try Self.failing(500), try Self.naming("three"))
        let gate = try Gate(
            """
            process: { workers: 1 }
            models: { fast: { first_of: [one/a, two/b, three/c] }, second: two }
            upstreams:
              one: { url: "\(one.url)", health: { failures: off } }
              two: { url: "\(dead())", health: { failures: 1, eject: 60s } }
              three: { url: "\(three.url)" }
            routes: [{ path: /v1/**, auth: open, to: models }]
            """)
        #expect(try gate.chat(model: "second").status == 502)
        let before = try gate.upstream("two")["repetitions"]?.integerValue
        #expect(try gate.chat(model: "fast").text == "three c")
        #expect(try gate.upstream("two")["repetitions"]?.integerValue == before, "not asked")
    }

    @Test(arguments: ["unknown", "failed_over", "failed_over_stream", "listed"])
    func `the package sees one API`(scenario: String) throws {
        let mock = try Address.free()
        let gate = try Gate(
            """
            models:
              small: up/mock
              busy: { first_of: [up/mock-error-503, other/mock] }
              gone: { first_of: [dead/x, up/mock] }
            upstreams:
              up: "http://\(mock.authority)/v1"
              other: "http://\(mock.authority)/v1"
              dead: "\(dead())"
            routes:
              - { path: /v1/models/**, auth: open, action: models }
              - { path: /v1/**, auth: open, to: models }
            """, options: ["--mock", mock.authority])
        let result = try Python.run(
            "first_of.py", scenario, "http://\(gate.address.authority)/v1", in: gate.folder)
        #expect(result.code == 0, "\(scenario): \(result.output)\(result.errors)")
    }
}
