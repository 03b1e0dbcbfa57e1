import Glibc
import Testing

@testable import CLI

/// What limits have counted goes over with the upgrade, and what still runs on the old process is settled in
/// the new one.
@Suite(.scenario) struct UpgradeKeepsCounts {
    /// S2-41: also what is counted by the minute, over an upgrade.
    @Test func `100 a minute and 8 at once admit exactly 100 and 8 across an upgrade`() throws {
        let isEnding = Signal()
        let upstream = try ScriptedUpstream.streaming("up", until: isEnding)
        let gate = try Gate(
            """
            limits:
              minute: { by: ip, requests_per_minute: 100 }
              running: { by: ip, concurrent: 8 }
            upstreams: { up: \(upstream.url) }
            routes:
              - { path: /stream, auth: open, limits: running, to: up }
              - { path: /**, auth: open, limits: minute, respond: { text: here } }
            """)
        let streams = try (0..<8).map { try Stream(gate, number: $0) }
        for stream in streams { try stream.waitForEvents(1) }
        var admitted = 0
        func ask(_ count: Int) throws {
            for _ in 0..<count where try gate.exchange("GET", "/work").status == 200 { admitted += 1 }
        }
        try ask(60)
        #expect(admitted == 60)
        for round in 1...2 {
            _ = try gate.upgrade()
            #expect(try gate.exchange("GET", "/stream").status == 429, "a ninth, in round \(round)")
            try ask(10)
        }
        try ask(60)
        #expect(admitted == 100)
        isEnding.open()
        for stream in streams { #expect(try stream.finish() == nil) }
        // What ended on the old processes is free again here.
        try waitUntil("eight places") { try gate.exchange("GET", "/stream").status == 200 }
    }

    @Test func `requests that race an upgrade are admitted exactly`() throws {
        let gate = try Gate(
            """
            limits: { minute: { by: ip, requests_per_minute: 500 } }
            routes: [{ path: /**, auth: open, limits: minute, respond: { text: here } }]
            """)
        let crowd = (0..<6).map { _ in Racer(gate) }
        try waitUntil("some to be admitted") { crowd.reduce(0) { $0 + $1.admitted } > 50 }
        for _ in 0..<3 { _ = try gate.upgrade() }
        try waitUntil("the limit to be used up", within: 30) {
            crowd.reduce(0) { $0 + $1.refused } > 20
        }
        for racer in crowd { #expect(try racer.stop() == []) }
        #expect(crowd.reduce(0) { $0 + $1.admitted } == 500)
    }

    @Test func `a budget by day goes over and is written by the new process alone`() throws {
        let gate = try Gate.withStore(
            """
            stores: { main: app.db }
            usage: main
            limits: { day: { by: ip, requests_per_day: 20 } }
            routes: [{ path: /**, auth: open, limits: day, respond: { text: here } }]
            """)
        func ask(_ count: Int) throws -> Int {
            try (0..<count).reduce(0) { sum, _ in
                sum + (try gate.exchange("GET", "/").status == 200 ? 1 : 0)
            }
        }
        #expect(try ask(12) == 12)
        let successor = try gate.upgrade()
        #expect(try ask(3) == 3)
        kill(successor.pid, SIGTERM)
        try waitUntil("the new process to end") { !successor.isRunning }
        let again = try ChildProcess(
            [Gate.program, "run", "-c", gate.folder(Gate.configName), "--admin", gate.adminPath],
            in: gate.folder)
        try waitUntil("headgate to serve again") {
            try again.exitCode == nil && gate.status()?["generation"]?["number"] != nil
        }
        #expect(try ask(10) == 5)
    }
}

/// Asks as fast as it can until told to stop.
private final class Racer: Sendable {
    private struct State {
        var admitted = 0
        var refused = 0
        var problems: [String] = []
        var stops = false
        var hasEnded = false
    }

    private let state = Guarded(State())

    var admitted: Int { state.withLock { $0.admitted } }
    var refused: Int { state.withLock { $0.refused } }

    init(_ gate: Gate) {
        startThread { [self] in
            while !state.withLock({ $0.stops }) {
                do {
                    let status = try gate.exchange("GET", "/").status
                    state.withLock { state in
                        switch status {
                        case 200: state.admitted += 1
                        case 429: state.refused += 1
                        case _: state.problems.append("\(status)")
                        }
                    }
                } catch { state.withLock { $0.problems.append("\(error)") } }
            }
            state.withLock { $0.hasEnded = true }
        }
    }

    func stop() throws -> [String] {
        state.withLock { $0.stops = true }
        try waitUntil("the last request") { state.withLock { $0.hasEnded } }
        return state.withLock { $0.problems }
    }
}
