import Testing

@testable import Proxy

@Suite struct InspectionTests {
    private func limited(_ upstream: TestUpstream, maxBody: UInt64 = .max) throws -> WorkerUnderTest {
        let caller = Caller.test("k", models: ModelList(["gpt-4"]))
        return try WorkerUnderTest(upstream) {
            $0.routes = [.test(auth: [.keys([caller])], maxBody: maxBody)]
        }
    }

    private func post(_ body: String, chunked: Bool = false) -> String {
        let head = "POST /v1/x HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\n"
        guard chunked else { return head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body }
        let middle = body.utf8.count / 2
        let (first, second) = (String(body.prefix(middle)), String(body.dropFirst(middle)))
        return head + "Transfer-Encoding: chunked\r\n\r\n" + String(first.utf8.count, radix: 16)
            + "\r\n\(first)\r\n"
            + String(second.utf8.count, radix: 16) + "\r\n\(second)\r\n0\r\nX-T: 1\r\n\r\n"
    }

    @Test(arguments: [false, true])
    func `a request for an allowed model goes on with its body, and the next one behind it`(chunked: Bool)
        throws
    {
        let upstream = try TestUpstream()
        let worker = try limited(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        let padding = String(repeating: "m", count: 700_000)
        let body = #"{"messages":"\#(padding)","model":"gpt-4"}"#
        try client.send(post(#"{"model":"other"}"#, chunked: chunked))
        #expect(try client.readMessage().code == "model_not_allowed")
        var endpoint: TestConnection?
        for body in [body, #"{"model":"gpt-4"}"#] {
            try client.send(post(body, chunked: chunked))
            let connection = try endpoint ?? upstream.accept()
            endpoint = connection
            let request = try connection.readMessage()
            #expect(request["content-length"] == "\(body.utf8.count)" && request["transfer-encoding"] == nil)
            #expect(request.body == body)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            #expect(try client.readMessage().body == "hi")
        }
        try client.send("GET /v1/models HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\n\r\n")
        #expect(try endpoint?.readMessage().target == "/v1/models")
        try endpoint?.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        #expect(try client.readMessage().body == "hi")
        let records = try worker.records(4)
        #expect(records[1].record.requestBodyBytes == UInt64(body.utf8.count))
        #expect(records[0][.errorCode] == "model_not_allowed" && records[0][.caller] == "web app")
    }

    @Test func `a body that is too large to be searched is refused`() throws {
        let upstream = try TestUpstream()
        let worker = try limited(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        try client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nx-api-key: k\r\nContent-Length: \(16 << 20 + 1)\r\n\r\n")
        let answer = try client.readMessage()
        #expect(answer.status == 413 && answer.code == "body_too_large_to_inspect")
        #expect(answer.body.contains("\(16 << 20)"))
    }

    @Test func `an inspected request that finds no upstream is answered, and its body forgotten`() throws {
        let upstream = try TestUpstream()
        upstream.state.publish([])
        let worker = try limited(upstream)
        defer { worker.stop() }
        let client = try worker.connect()
        for _ in 0..<2 {
            try client.send(post(#"{"model":"gpt-4"}"#))
            #expect(try client.readMessage().code == "upstream_unresolved")
        }
    }
}
