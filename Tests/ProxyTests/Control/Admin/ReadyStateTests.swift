// Covers HealthReport.swift
import Testing

@testable import Proxy

private func request(_ query: [String: String] = [:], trusted: Bool = true, text: Bool = false)
    -> AdminRequest
{
    var request = AdminRequest(method: "GET", path: "/")
    request.query = query
    request.isTrusted = trusted
    request.wantsText = text
    return request
}

private func text(_ response: AdminResponse) -> String { String(decoding: response.body, as: UTF8.self) }

@Suite(.tags(.fast)) struct ReadyStateTests {
    private let serving = ReadyState(phase: .serving, goneListeners: [], doubtedAuth: [])
    private let doubted = ReadyState(phase: .serving, goneListeners: ["main"], doubtedAuth: ["staff"])

    @Test func `who serves is ready, who starts or stops is not`() {
        #expect(serving.isReady)
        for phase in [ReadyState.Phase.starting, .stopping] {
            let state = ReadyState(phase: phase, goneListeners: [], doubtedAuth: [])
            #expect(!state.isReady)
            #expect(state.response(to: request()).status == 503)
        }
    }

    @Test func `reasons are told to those who may know names`() {
        #expect(text(serving.response(to: request())) == #"{"status":"ready","problems":[]}"#)
        let told = doubted.response(to: request())
        #expect(told.status == 503)
        #expect(text(told).contains("listener main"))
        #expect(text(told).contains("auth staff"))
        let untold = doubted.response(to: request(trusted: false))
        #expect(untold.status == 503)
        #expect(text(untold) == #"{"status":"not ready"}"#)
        #expect(text(doubted.response(to: request(trusted: false, text: true))) == "not ready")
        #expect(text(doubted.response(to: request(text: true))).hasPrefix("not ready\nlistener main"))
    }

    @Test func `health says what is wrong, and only what is decisive makes it so`() {
        let endpoint = HealthReport.Item(kind: "endpoint", name: "u e", problem: "away", isDecisive: false)
        let upstream = HealthReport.Item(kind: "upstream", name: "u", problem: nil, isDecisive: true)
        let good = HealthReport(items: [upstream, endpoint])
        #expect(good.isHealthy)
        #expect(text(good.response(to: request())) == #"{"status":"ok"}"#)
        let verbose = text(good.response(to: request(["verbose": ""])))
        #expect(verbose.contains(#"{"kind":"upstream","name":"u","ok":true,"problem":null}"#))
        #expect(verbose.contains(#"{"kind":"endpoint","name":"u e","ok":false,"problem":"away"}"#))
        let store = HealthReport.Item(kind: "store", name: "s", problem: "full", isDecisive: true)
        let bad = HealthReport(items: [upstream, store])
        #expect(bad.response(to: request()).status == 503)
        #expect(
            text(bad.response(to: request(["verbose": "1"], text: true)))
                == "degraded\nupstream u: ok\nstore s: full")
    }
}
