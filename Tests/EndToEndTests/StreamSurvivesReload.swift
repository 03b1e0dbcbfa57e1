import Glibc
import Testing

@testable import CLI

/// What the product is for: the file changes while streams run, and not one byte of them does.
@Suite(.scenario) struct StreamSurvivesReload {
    private static let streamCount = 100
    private static let reloadCount = 100

    @Test func `streams and requests go on through reloads of every kind`() throws {
        let isEnding = Signal()
        let (a, b) = (
            try ScriptedUpstream.streaming("a", until: isEnding),
            try ScriptedUpstream.streaming("b", until: isEnding)
        )
        let (extra, stable) = (try Address.free(), try Address.free())
        func config(_ round: Int) -> String {
            let more = round % 3 == 1 ? ", extra: \"\(extra)\"" : ""
            let first = round % 2 == 0 ? a.url : b.url
            let gone = (0..<round % 5).map {
                "  - { path: /gone/\(round)/\($0), auth: open, respond: { text: x } }"
            }
            return """
                listeners: { main: $LISTEN, stable: "\(stable)"\(more) }
                upstreams:
                  one: { url: "\(first)", timeouts: { connect: \(2 + round % 3)s } }
                \(round % 4 == 3 ? "  two: \(b.url)" : "")
                routes:
                \(gone.joined(separator: "\n"))
                  - { path: /round, auth: open, respond: { text: "\(round)" } }
                \(round % 6 == 5 ? "" : "  - { path: /stream, auth: open, to: one }")
                  - path: /**
                    auth: open
                    response_headers: { set: { X-Round: "\(round)" } }
                    to: \(round % 4 == 3 ? "two" : "one")
                """
        }
        let gate = try Gate(config(0))
        let streams = try (0..<Self.streamCount).map {
            try Stream(gate, number: $0, at: $0 % 2 == 0 ? gate.address : stable)
        }
        for stream in streams { try stream.waitForEvents(3) }
        let before = (descriptors: gate.process.descriptorCount, memory: gate.process.residentKiB)
        let steady = SteadyRequests(gate, at: stable)
        for round in 1...Self.reloadCount {
            try gate.edit(config(round))
            switch round % 3 {
            case 0: break  // The watch sees it.
            case 1: gate.process.send(SIGHUP)
            default:
                let result = try gate.reload()
                #expect(result.code == 0, "\(result.output)\(result.errors)")
            }
            try waitUntil("round \(round) to be served") {
                try gate.exchange("GET", "/round").text == "\(round)"
            }
        }
        let failures = steady.stop()
        #expect(failures.errors == [])
        #expect(failures.count > 50)
        isEnding.open()
        for stream in streams { #expect(try stream.finish() == nil) }
        // After the last: only what is served, and what it was.
        try waitUntil("older generations to be let go") { try gate.requireStatus()["generations_alive"] == 1 }
        try waitUntil("descriptors as before") { gate.process.descriptorCount <= before.descriptors + 4 }
        #expect(ChildProcess.isSanitized || gate.process.residentKiB < before.memory + 12 << 10)
        #expect(try gate.sum("exchanges_running") == 0)
    }

    @Test func `a stream outlives its route, its upstream and its listener`() throws {
        let isEnding = Signal()
        let upstream = try ScriptedUpstream.streaming("a", until: isEnding)
        let second = try Address.free()
        let gate = try Gate(
            """
            listeners: { main: $LISTEN, second: "\(second)" }
            upstreams: { up: \(upstream.url) }
            """)
        let stream = try Stream(gate, number: 1, at: second)
        try stream.waitForEvents(3)
        try gate.reconfigure("routes: [{ path: /, auth: open, respond: { text: new } }]")
        #expect(try gate.exchange().text == "new")
        let seen = stream.eventCount
        try stream.waitForEvents(seen + 10)
        #expect(throws: Trouble.self) { _ = try gate.connect(to: second) }
        // What drains is the older generation, not the process.
        let status = try gate.requireStatus()
        #expect(status["state"] == "serving")
        #expect(status["generations_draining"] == 1)
        let text = try gate.headgate("status", "--admin", gate.adminPath).output
        #expect(text.contains(", serving, started \(status["started"]?.stringValue ?? "-")"), "\(text)")
        #expect(text.contains("older       1 generation with running exchanges"))
        #expect(!text.contains("drain"))
        isEnding.open()
        #expect(try stream.finish() == nil)
        try waitUntil("the older generation to be let go") {
            try gate.requireStatus()["generations_alive"] == 1
        }
        #expect(try gate.requireStatus()["generations_draining"] == 0)
    }
}
