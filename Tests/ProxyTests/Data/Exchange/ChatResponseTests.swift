import Testing

@testable import Proxy

@Suite struct `Answers to the simple chat` {
    private let ask = ModelScene.post(#"{"messages":[{"role":"user","content":"Hi"}]}"#)
    private let plain = #"{"model":"m","choices":[{"message":{"content":"Hello"}}]}"#
    private let event = #"data: {"choices":[{"delta":{"content":"Hel"}}]}"# + "\n\n"

    private func scene(_ change: (inout GenerationSketch) -> Void = { _ in }) throws -> (
        WorkerUnderTest, TestUpstream, TestConnection
    ) {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.routes = [.test(errors: .detail, transform: .simpleChat)]
            change(&$0)
        }
        return (worker, upstream, try worker.connect())
    }

    private func chunk(_ text: String) -> String { String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n" }

    @Test func `a whole answer becomes the small one, and the connection is used again`() throws {
        let (worker, upstream, client) = try scene()
        defer { worker.stop() }
        try client.send(ask)
        let endpoint = try upstream.accept()
        for _ in 0..<2 {
            let request = try endpoint.readMessage()
            #expect(request.target == "/chat/completions" && request["accept-encoding"] == "identity")
            try endpoint.send(
                ModelScene.answer("200 OK", plain, fields: "Content-Type: application/json\r\n"))
            let answer = try client.readMessage()
            #expect(answer.status == 200 && answer.body == #"{"content": "Hello", "model": "m"}"#)
            try client.send(ask)
        }
    }

    @Test(arguments: ["", "X-T: 1\r\n"])
    func `a stream has one end, however its last chunk comes`(trailers: String) throws {
        let (worker, upstream, client) = try scene()
        defer { worker.stop() }
        try client.send(ask)
        let endpoint = try upstream.accept()
        for _ in 0..<2 {
            _ = try endpoint.readMessage()
            try endpoint.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            try endpoint.send(chunk(event) + chunk("data: [DONE]\n\n"))
            _ = try client.readText(through: "data: [DONE]\n\n")
            try endpoint.send("0\r\n")
            try endpoint.send("\(trailers)\r\n")
            let end = try client.readText(through: "\r\n\r\n")
            #expect(end.components(of: "0\r\n") == 1)
            try client.send(ask)
        }
    }

    @Test func `an error is the message alone, and when to come again`() throws {
        let (worker, upstream, client) = try scene()
        defer { worker.stop() }
        try client.send(ask)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(
            ModelScene.answer(
                "429 No", #"{"error":{"message":"slow \"down\"","secret":"x"}}"#, fields: "Retry-After: 7\r\n"
            ))
        let answer = try client.readMessage()
        #expect(answer.status == 429 && answer["retry-after"] == "7")
        #expect(answer.body == #"{"detail":"slow \"down\""}"#)
    }

    @Test(arguments: ["", "half"])
    func `an answer that cannot be read is a 502, and nothing of it goes out`(body: String) throws {
        let (worker, upstream, client) = try scene()
        defer { worker.stop() }
        try client.send(ask)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"secret\":\(body)")
        endpoint.close()
        let answer = try client.readMessage()
        #expect(answer.status == 502 && !answer.body.contains("secret"))
    }

    @Test func `a request that goes out again does not remember the answer before`() throws {
        let (worker, upstream, client) = try scene {
            $0.retry = RetryPlan(causes: [.reset], repeatsPost: true)
        }
        defer { worker.stop() }
        try client.send(ask)
        let first = try upstream.accept()
        _ = try first.readMessage()
        try first.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"model\":")
        first.close()
        let second = try upstream.accept()
        _ = try second.readMessage()
        try second.send(ModelScene.answer("200 OK", plain))
        #expect(try client.readMessage().body == #"{"content": "Hello", "model": "m"}"#)
    }

    @Test func `a stream that is cut has no end`() throws {
        let (worker, upstream, client) = try scene()
        defer { worker.stop() }
        try client.send(ask)
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        try endpoint.send(head + event)
        _ = try client.readText(through: #"{"content": "Hel"}"#)
        endpoint.close()
        let (text, _) = try client.readToEnd()
        #expect(!text.contains("[DONE]") && !text.contains("0\r\n\r\n"))
        #expect(try worker.record().outcome == .truncated)
    }

    @Test(arguments: [ErrorShape.detail, .openai])
    func `a request that is no chat is refused`(errors: ErrorShape) throws {
        let (worker, _, client) = try scene { $0.routes = [.test(errors: errors, transform: .simpleChat)] }
        defer { worker.stop() }
        for body in [
            "", "{}", #"{"messages":[]}"#, #"{"messages":[{"role":"tool","content":"x"}]}"#, "nonsense",
        ] {
            try client.send(ModelScene.post(body))
            #expect(try client.readMessage().status == (errors == .openai ? 400 : 422), "\(body)")
        }
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.readMessage().status == (errors == .openai ? 400 : 422))
    }
}

extension String {
    /// How often the part stands in it.
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let found = rest.firstRange(of: part) {
            count += 1
            rest = rest[found.upperBound...]
        }
        return count
    }
}
