import Testing

@testable import Proxy

/// What a worker counts of exchanges.
@Suite struct RouteFiguresRecordTests {
    private let route = RouteFigures(label: "routes[0]", workers: 1)
    private let none = RouteFigures(label: "(none)", workers: 1)
    private let used = UpstreamFigures(workers: 1)

    private func sketch(_ upstream: TestUpstream) -> GenerationSketch {
        var sketch = GenerationSketch(upstream)
        sketch.routes = [.test(.subtree(Array("/v1".utf8)), recordsUsage: true, figures: route)]
        sketch.unrouted = none
        sketch.figures = used
        return sketch
    }

    @Test func `a request is counted by its route, and its tokens by its upstream`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(sketch(upstream))
        defer { worker.stop() }
        let client = try worker.connect()
        let body = #"{"model":"m","messages":[]}"#
        try client.send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        let answer = #"{"usage":{"prompt_tokens":10,"completion_tokens":3}}"#
        try endpoint.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(answer.utf8.count)\r\n\r\n\(answer)"
        )
        _ = try client.readMessage()
        #expect(eventually { route.requests(class: 2) == 1 })
        #expect(route.requests(outcome: 0) == 1)
        #expect(route.requestBytes == UInt64(body.utf8.count))
        #expect(route.responseBytes == UInt64(answer.utf8.count))
        for phase in [RouteFigures.Phase.head, .firstByte, .total] {
            let count = (0..<DurationBucket.count).reduce(0) { $0 + route.requests(phase, bucket: $1) }
            #expect(count == 1, "\(phase)")
        }
        #expect(used.sum(.inputTokens) == 10)
        #expect(used.sum(.outputTokens) == 3)
        #expect(none.requests(outcome: 0) == 0)
    }

    @Test func `what no route takes is counted apart, and our own errors by what they say`() throws {
        let worker = try WorkerUnderTest(sketch(try TestUpstream()))
        defer { worker.stop() }
        for request in ["GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n"] {
            let client = try worker.connect()
            try client.send(request)
            _ = try client.readMessage()
        }
        #expect(eventually { none.requests(class: 4) == 2 })
        let replies = worker.handle.figures.replies
        #expect(replies.sum(Int(LocalReply.unknownURL.rawValue)) == 1)
        #expect(replies.sum(Int(LocalReply.startLineInvalid.rawValue)) == 1)
        #expect(replies.sum(Int(LocalReply.upstreamClosed.rawValue)) == 0)
    }

    @Test func `a stream is one that runs until it ends`() throws {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(sketch(upstream))
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send("GET /v1/x HTTP/1.1\r\nHost: a\r\n\r\n")
        let endpoint = try upstream.accept()
        _ = try endpoint.readMessage()
        try endpoint.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        let running = worker.handle.figures
        #expect(eventually { running.streamsRunning.load(ordering: .relaxed) == 1 })
        client.close()
        #expect(eventually { running.streamsRunning.load(ordering: .relaxed) == 0 })
        #expect(eventually { route.requests(outcome: Int(ExchangeRecord.Outcome.clientGone.rawValue)) == 1 })
    }
}
