import Glibc
import Synchronization
import Testing

@testable import CLI

/// What the product is for: the file changes while streams run, and not one byte of them does.
@Suite(.scenario) struct StreamSurvivesReload {
    private static let streamCount = 100
    private static let reloadCount = 100

    /// Streams events until told to end; answers everything else with its name.
    private func streaming(_ name: String, until isEnding: Signal) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            connection.wire.patience = 120
            while let request = try connection.readRequest() {
                guard request.target.hasSuffix("/stream") else {
                    try connection.send(ok(name))
                    continue
                }
                let id = request["x-stream"] ?? ""
                try connection.send(streamHead)
                var index = 0
                while !isEnding.isOpen() {
                    try connection.sendChunk(event(id, index))
                    index += 1
                    pace(0.02) { !isEnding.isOpen() }
                }
                try connection.send(chunk("data: [DONE] \(index)\n\n") + "0\r\n\r\n")
            }
        }
    }

    @Test func `streams and requests go on through reloads of every kind`() throws {
        let isEnding = Signal()
        let (a, b) = (try streaming("a", until: isEnding), try streaming("b", until: isEnding))
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
        let upstream = try streaming("a", until: isEnding)
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

private func event(_ id: String, _ index: Int) -> String {
    "data: {\"stream\":\"\(id)\",\"index\":\(index)}\n\n"
}

/// A client that reads one stream on a thread of its own and checks each byte of it.
private final class Stream: Sendable {
    private struct State {
        var events = 0
        var problem: String?
        var hasEnded = false
    }

    private let state = Guarded(State())
    private let number: Int

    init(_ gate: Gate, number: Int, at address: Address) throws {
        self.number = number
        let connection = try gate.connect(to: address)
        try connection.send(gate.request("GET", "/stream", fields: ["X-Stream: \(number)"]))
        startThread { [self] in
            do {
                try read(connection)
            } catch {
                state.withLock { $0.problem = "after \($0.events) events: \(error)" }
            }
            state.withLock { $0.hasEnded = true }
        }
    }

    var eventCount: Int { state.withLock { $0.events } }

    func waitForEvents(_ count: Int) throws {
        try waitUntil("\(count) events of stream \(number)") {
            let (events, problem) = state.withLock { ($0.events, $0.problem) }
            if let problem { throw Trouble("stream \(number) \(problem)") }
            return events >= count
        }
    }

    /// - Returns: what was wrong with it, if anything was.
    func finish() throws -> String? {
        try waitUntil("the end of stream \(number)") { state.withLock { $0.hasEnded } }
        return state.withLock { $0.problem }
    }

    private func read(_ connection: Connection) throws {
        let head = try connection.readResponseHead()
        guard head.status == 200, head.isChunked else { throw Trouble("\(head.status) \(head.fields)") }
        while let data = try connection.readThrough("\n\n") {
            let index = state.withLock { $0.events }
            let text = String(decoding: data, as: UTF8.self)
            // One event is one chunk: size, CR LF, data. The CR LF behind the data comes with the next.
            let (next, end) = (
                frame(event("\(number)", index), index), frame("data: [DONE] \(index)\n\n", index)
            )
            if text == end { break }
            guard text == next else {
                throw Trouble("got \(text.debugDescription) for \(next.debugDescription)")
            }
            state.withLock { $0.events += 1 }
        }
        let rest = try connection.read(exactly: 7)
        guard rest == Array("\r\n0\r\n\r\n".utf8) else { throw Trouble("ends with \(Text(rest))") }
    }

    private func frame(_ text: String, _ index: Int) -> String {
        (index == 0 ? "" : "\r\n") + "\(String(text.utf8.count, radix: 16))\r\n\(text)"
    }
}

/// Requests one after another, on a kept connection and on new ones in turn, until told to stop.
private final class SteadyRequests: Sendable {
    private struct State {
        var errors: [String] = []
        var count = 0
        var stops = false
        var hasEnded = false
    }

    private let state = Guarded(State())

    init(_ gate: Gate, at address: Address) {
        startThread { [self] in
            do {
                let kept = try gate.connect(to: address)
                while !state.withLock({ $0.stops }) {
                    try kept.send(gate.request("POST", "/work", body: "x"))
                    note(try kept.readResponse())
                    note(try gate.exchange("GET", "/work", at: address))
                }
            } catch {
                state.withLock { $0.errors.append("\(error)") }
            }
            state.withLock { $0.hasEnded = true }
        }
    }

    private func note(_ response: Response) {
        state.withLock { state in
            state.count += 1
            if response.status != 200 { state.errors.append("\(response.status) \(response.text)") }
        }
    }

    func stop() -> (errors: [String], count: Int) {
        state.withLock { $0.stops = true }
        do {
            try waitUntil("the last request") { state.withLock { $0.hasEnded } }
        } catch {
            state.withLock { $0.errors.append("\(error)") }
        }
        return state.withLock { ($0.errors, $0.count) }
    }
}
