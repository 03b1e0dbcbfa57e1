import Testing

@testable import Proxy

/// The ways in which an exchange ends that an upstream was to answer.
private enum Way: CaseIterable {
    case complete, completeJSON, unread, redirect
    case clientGoneBeforeHead, clientGoneInStream, clientGoneAfterDone
    case upstreamGoneInStream, upstreamGoneBeforeHead, unreachable
    case status500, status429, status401
    case silent, silentInStream, total
    case drainBeforeHead, drainInStream, revokedBeforeHead, revokedInStream

    /// Tokens that are charged where the policy is `measured`.
    var measured: UInt64 {
        switch self {
        case .complete, .completeJSON, .clientGoneAfterDone: 13
        // Nobody knows: as much as was reserved.
        case .unread, .redirect, .clientGoneBeforeHead, .silent, .drainBeforeHead, .revokedBeforeHead: 106
        case .clientGoneInStream, .upstreamGoneInStream, .silentInStream, .total, .drainInStream,
            .revokedInStream:
            8
        case .upstreamGoneBeforeHead, .unreachable, .status500, .status429, .status401: 0
        }
    }

    /// What ends well, and what we end, is charged as it was measured whatever the policy is.
    var hasPolicy: Bool {
        switch self {
        case .complete, .completeJSON, .unread, .redirect, .clientGoneAfterDone, .drainBeforeHead,
            .drainInStream, .revokedBeforeHead, .revokedInStream:
            false
        case .clientGoneBeforeHead, .clientGoneInStream, .upstreamGoneInStream, .upstreamGoneBeforeHead,
            .unreachable, .status500, .status429, .status401, .silent, .silentInStream, .total:
            true
        }
    }

    var failed: Bool {
        switch self {
        case .complete, .completeJSON, .unread, .redirect, .clientGoneAfterDone, .clientGoneBeforeHead,
            .clientGoneInStream:
            false
        case .upstreamGoneInStream, .upstreamGoneBeforeHead, .unreachable, .status500, .status429, .status401,
            .silent, .silentInStream, .total, .drainBeforeHead, .drainInStream, .revokedBeforeHead,
            .revokedInStream:
            true
        }
    }

    /// Input and output of the usage record, and whether they are an estimate.
    var recorded: (input: UInt64, output: UInt64, isEstimated: Bool) {
        switch measured {
        case 13: (10, 3, false)
        case 8: (6, 2, true)
        case 0: (0, 0, false)
        default: (6, 0, true)
        }
    }

    var timeouts: UpstreamTimeouts {
        switch self {
        case .silent: .patient(firstByte: 40 * millisecond)
        case .silentInStream: .patient(idle: 40 * millisecond)
        case .total: .patient(total: 600 * millisecond)
        default: .patient
        }
    }
}

private struct Ending {
    let scene: MeteredScene
    let caller: Caller

    func take(_ way: Way) throws {
        if way == .unreachable { return try findNobody() }
        let asked = try scene.ask(
            MeteredScene.request(
                way.isStream ? MeteredScene.streaming : MeteredScene.body, fields: "x-api-key: k\r\n"))
        #expect(scene.used() == 106)
        switch way {
        case .clientGoneInStream, .upstreamGoneInStream, .silentInStream, .total, .drainInStream,
            .revokedInStream:
            try asked.endpoint.send(
                MeteredScene.chunkedHead + MeteredScene.chunk(MeteredScene.event + MeteredScene.event))
            #expect(try asked.client.readHead().status == 200)
            _ = try asked.client.readText(through: MeteredScene.event + MeteredScene.event)
            try endStream(way, asked)
        case .complete, .clientGoneAfterDone: try endWell(way, asked)
        default: try endAtOnce(way, asked)
        }
    }

    private func findNobody() throws {
        scene.upstream.state.publish([])
        let client = try scene.send(MeteredScene.request(fields: "x-api-key: k\r\n"))
        #expect(try client.readMessage().status == 502)
    }

    private func endStream(_ way: Way, _ asked: MeteredScene.Asked) throws {
        switch way {
        case .clientGoneInStream: asked.client.close()
        case .upstreamGoneInStream: asked.endpoint.close()
        case .drainInStream: scene.worker.drain(for: 0)
        case .revokedInStream: revoke()
        default: break
        }
        if way != .clientGoneInStream {
            #expect(!(try asked.client.readToEnd().text.hasSuffix("\r\n0\r\n\r\n")))
        }
    }

    private func revoke() {
        caller.become(.revoked)
        scene.worker.handle.mailbox.post(.cutRevoked)
    }

    private func endWell(_ way: Way, _ asked: MeteredScene.Asked) throws {
        let stream = MeteredScene.event + MeteredScene.event + MeteredScene.usage + MeteredScene.done
        try asked.endpoint.send(MeteredScene.chunkedHead + MeteredScene.chunk(stream))
        _ = try asked.client.readText(through: "[DONE]\n\n")
        if way == .clientGoneAfterDone { asked.client.close() }
        try asked.endpoint.send("0\r\n\r\n")
        if way == .complete { _ = try asked.client.readText(through: "0\r\n\r\n") }
    }

    private func endAtOnce(_ way: Way, _ asked: MeteredScene.Asked) throws {
        switch way {
        case .completeJSON: try asked.endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3)))
        case .unread:
            try asked.endpoint.send(
                MeteredScene.json(MeteredScene.usage(10, 3), fields: "Content-Encoding: gzip\r\n"))
        case .redirect: try asked.endpoint.send("HTTP/1.1 307 Go\r\nContent-Length: 0\r\n\r\n")
        case .status500:
            try asked.endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3), status: "500 X"))
        case .status429:
            try asked.endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3), status: "429 X"))
        case .status401:
            try asked.endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3), status: "401 X"))
        case .clientGoneBeforeHead: return asked.client.close()
        case .upstreamGoneBeforeHead: asked.endpoint.close()
        case .drainBeforeHead: scene.worker.drain(for: 0)
        case .revokedBeforeHead: revoke()
        default: break
        }
        let status = [
            .unread: 200, .completeJSON: 200, .redirect: 307, .status500: 500, .status429: 429,
            .status401: 401, .upstreamGoneBeforeHead: 502, .drainBeforeHead: 503, .revokedBeforeHead: 401,
            .silent: 504,
        ][way]
        #expect(try asked.client.readMessage().status == status)
    }
}

extension Way {
    fileprivate var isStream: Bool {
        switch self {
        case .complete, .clientGoneInStream, .clientGoneAfterDone, .upstreamGoneInStream, .silentInStream,
            .total, .drainInStream, .revokedInStream:
            true
        case .completeJSON, .unread, .redirect, .clientGoneBeforeHead, .upstreamGoneBeforeHead, .unreachable,
            .status500, .status429, .status401, .silent, .drainBeforeHead, .revokedBeforeHead:
            false
        }
    }
}

@Suite struct SettlementTests {
    /// Two limits with one number each, by everybody: the second counts requests.
    private func scene(
        _ way: Way, _ charge: ChargePolicy, recordsUsage: Bool = true
    ) throws -> (MeteredScene, Ending) {
        let caller = Caller.test("k")
        let limits: [LimitPlan] = [
            .test(.ip, [(.tokens, .minute, 1000)], charge: charge), .test(.ip, perMinute: 9),
        ]
        let scene = try MeteredScene(
            limits, auth: [.keys([caller], cuts: true)], timeouts: way.timeouts, recordsUsage: recordsUsage)
        return (scene, Ending(scene: scene, caller: caller))
    }

    @Test(arguments: Way.allCases, [ChargePolicy.Amount.measured, .reserved, .nothing])
    fileprivate func `each way to end is charged by its policy, and says what was used`(
        way: Way, amount: ChargePolicy.Amount
    ) throws {
        let all = ChargePolicy(
            clientGone: amount, upstreamEOF: amount, upstreamError: amount, timeout: amount)
        let (scene, ending) = try scene(way, all)
        defer { scene.end() }
        try ending.take(way)
        let usage = try #require(try scene.usage())
        let charged: UInt64 =
            switch way.hasPolicy ? amount : .measured {
            case .measured: way.measured
            case .reserved: 106
            case .nothing: 0
            }
        #expect(scene.used() == charged)
        // The upstream was asked, or nobody knows that it was not.
        #expect(scene.used(1) == 1)
        #expect(usage.record.failed == way.failed)
        #expect(usage.record.inputTokens == way.recorded.input)
        #expect(usage.record.outputTokens == way.recorded.output)
        #expect(usage.record.isEstimated == way.recorded.isEstimated)
        #expect(usage[.model] == "m" && usage[.upstream] == "u" && usage[.caller] == "web app")
        #expect(usage[.auth] == "apps")
    }

    @Test func `each policy is asked for its own ending alone`() throws {
        let policies: [(Way, WritableKeyPath<ChargePolicy, ChargePolicy.Amount>)] = [
            (.clientGoneInStream, \.clientGone), (.upstreamGoneInStream, \.upstreamEOF),
            (.status500, \.upstreamError), (.silentInStream, \.timeout),
        ]
        for (way, own) in policies {
            var charge = ChargePolicy(
                clientGone: .nothing, upstreamEOF: .nothing, upstreamError: .nothing, timeout: .nothing)
            charge[keyPath: own] = .reserved
            let (scene, ending) = try scene(way, charge)
            defer { scene.end() }
            try ending.take(way)
            _ = try scene.usage()
            #expect(scene.used() == 106, "\(way)")
        }
    }

    @Test(arguments: [Way.complete, .status500, .clientGoneInStream])
    fileprivate func `nothing is written down where nobody asks for it`(way: Way) throws {
        let (scene, ending) = try scene(way, ChargePolicy(), recordsUsage: false)
        defer { scene.end() }
        try ending.take(way)
        #expect(try scene.usage() == nil)
        #expect(scene.used() == way.measured)
    }

    @Test func `what no upstream had counts nowhere, requests included`() throws {
        let gate = UpstreamGate(1, queue: 1)
        let limits: [LimitPlan] = [.test(.ip, [(.tokens, .minute, 1000), (.requests, .hour, 9)])]
        let scene = try MeteredScene(limits) { $0.gate = gate }
        defer { scene.end() }
        let first = try scene.ask()
        let waiting = try scene.send()
        #expect(eventually { gate.figures.queued == 1 })
        #expect(scene.used() == 212 && scene.used(0, 1) == 2)
        #expect(try scene.send().readMessage().code == "upstream_saturated")
        #expect(eventually { scene.used() == 212 && scene.used(0, 1) == 2 })
        waiting.close()
        #expect(eventually { scene.used() == 106 && scene.used(0, 1) == 1 })
        try first.endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3)))
        #expect(try first.client.readMessage().status == 200)
        #expect(try scene.worker.records(3).count == 3)
        #expect(scene.worker.usages().count == 1)
        #expect(scene.used() == 13 && scene.used(0, 1) == 1)
    }

    @Test func `a place in the queue that does not come is given back with what was reserved`() throws {
        let gate = UpstreamGate(1, queue: 1)
        let limits: [LimitPlan] = [.test(.ip, [(.tokens, .day, 1000), (.requests, .minute, 9)])]
        let scene = try MeteredScene(limits) {
            $0.gate = gate
            $0.queueTimeout = 30 * millisecond
        }
        defer { scene.end() }
        let first = try scene.ask()
        #expect(try scene.send().readMessage().code == "upstream_queue_timeout")
        #expect(eventually { scene.used() == 106 && scene.used(0, 1) == 1 })
        first.client.close()
        #expect(scene.settled() == 106)
    }

    @Test func `an answer that comes before the body has gone is charged like any other`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 10_000_000), (.requests, .minute, 9)])])
        defer { scene.end() }
        let padding = String(repeating: "hello ", count: 1 << 20)
        let body = #"{"model":"m","messages":[],"max_tokens":100,"user":"\#(padding)"}"#
        let client = try scene.send(MeteredScene.request(body))
        let endpoint = try scene.upstream.accept()
        try endpoint.send(
            MeteredScene.json(MeteredScene.usage(10, 3), fields: "Connection: close\r\n"))
        #expect(try client.readMessage().status == 200)
        #expect(scene.settled() == 13 && scene.used(0, 1) == 1)
    }

    @Test func `the model of one answer is not taken for that of another`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 1000)])])
        defer { scene.end() }
        try scene.exchange(MeteredScene.usage(1, 1), MeteredScene.request("{}"))
        #expect(try scene.usage()?[.model] == "m-1")
        let asked = try scene.ask(MeteredScene.request("{}"))
        try asked.endpoint.send(MeteredScene.json("{}", status: "500 X"))
        #expect(try asked.client.readMessage().status == 500)
        #expect(try scene.usage()?[.model] == "")
    }
}
