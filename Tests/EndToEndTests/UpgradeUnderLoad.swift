import Glibc
import Testing

@testable import CLI

/// `headgate upgrade`: a new process takes what is new, the old one finishes what runs.
@Suite(.scenario) struct UpgradeUnderLoad {
    @Test func `no stream breaks and no request fails, on kept connections and on new ones`() throws {
        let isEnding = Signal()
        let upstream = try ScriptedUpstream.streaming("up", until: isEnding)
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let streams = try (0..<20).map { try Stream(gate, number: $0) }
        for stream in streams { try stream.waitForEvents(2) }
        let steady = (0..<4).map { _ in SteadyRequests(gate, at: gate.address) }
        var pids: [pid_t] = [gate.process.pid]
        var successors: [Successor] = []
        for _ in 0..<3 {
            let successor = try gate.upgrade()
            successors.append(successor)
            pids.append(successor.pid)
            let before = streams.map(\.eventCount)
            for (stream, count) in zip(streams, before) { try stream.waitForEvents(count + 3) }
        }
        #expect(Set(pids).count == 4)
        #expect(try gate.generation() == 4, "numbers go on")
        #expect(try gate.requireStatus()["older_process"]?["pid"]?.integerValue == Int(pids[2]))
        for load in steady {
            let outcome = load.stop()
            #expect(outcome.errors.isEmpty)
            #expect(outcome.count > 20)
        }
        isEnding.open()
        for stream in streams { #expect(try stream.finish() == nil) }
        #expect(try gate.process.waitForExit() == 0)
        for older in successors.dropLast() {
            try waitUntil("process \(older.pid) to end") { !older.isRunning }
        }
        try waitUntil("status to forget the older ones") {
            try gate.requireStatus()["older_process"]?.integerValue == nil
                && gate.requireStatus()["older_process"]?["pid"] == nil
        }
        #expect(try gate.exchange("GET", "/work").status == 200)
    }

    @Test func `an idle connection goes over, and what was read of its next request with it`() throws {
        let upstream = try ScriptedUpstream.streaming("up", until: Signal())
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let idle = try gate.connect()
        try idle.send(gate.request("GET", "/work"))
        #expect(try idle.readResponse().status == 200)
        let fresh = try gate.connect()
        let half = try gate.connect()
        let request = gate.request("POST", "/work", body: "x")
        try half.send(String(request.prefix(20)))
        try waitUntil("the half of a request to be read") { try gate.openConnections() >= 3 }
        _ = try gate.upgrade()
        try half.send(String(request.dropFirst(20)))
        #expect(try half.readResponse().status == 200)
        try idle.send(gate.request("GET", "/work"))
        #expect(try idle.readResponse().status == 200)
        try fresh.send(gate.request("GET", "/work"))
        #expect(try fresh.readResponse().status == 200)
        #expect(try gate.process.waitForExit() == 0, "nothing runs on the old process any more")
    }

    @Test func `a new process that cannot start changes nothing, and says why`() throws {
        let upstream = try ScriptedUpstream.streaming("up", until: Signal())
        let config = "upstreams: { up: \(upstream.url) }"
        let gate = try Gate(config)
        let kept = try gate.connect()
        try kept.send(gate.request("GET", "/work"))
        #expect(try kept.readResponse().status == 200)
        try gate.edit(config + "\noops: 1")
        let result = try gate.headgate("upgrade", "--admin", gate.adminPath)
        #expect(result.code == 1)
        #expect(result.errors.contains("unknown key `oops`"), "\(result.errors)")
        #expect(result.errors.contains("goes on serving"))
        #expect(try gate.servingProcess() == gate.process.pid)
        try kept.send(gate.request("GET", "/work"))
        #expect(try kept.readResponse().status == 200)
        try gate.edit(config + "\n# mended")
        #expect(try gate.upgrade().pid != gate.process.pid)
    }

    @Test func `a listener that a reload removes after an upgrade is gone, whatever still runs`() throws {
        let isEnding = Signal()
        let upstream = try ScriptedUpstream.streaming("up", until: isEnding)
        let other = try Address.free()
        let gate = try Gate(
            "listeners: { main: $LISTEN, other: \(other) }\nupstreams: { up: \(upstream.url) }")
        let stream = try Stream(gate, number: 0)
        try stream.waitForEvents(2)
        _ = try gate.upgrade()
        #expect(try gate.exchange("GET", "/work", at: other).status == 200)
        try gate.reconfigure("listeners: { main: $LISTEN }\nupstreams: { up: \(upstream.url) }")
        try waitUntil("the removed port to refuse") {
            guard let connection = try? gate.connect(to: other) else { return true }
            connection.close()
            return false
        }
        isEnding.open()
        #expect(try stream.finish() == nil)
    }

    @Test func `SIGUSR2 upgrades as well`() throws {
        let upstream = try ScriptedUpstream.streaming("up", until: Signal())
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        gate.process.send(SIGUSR2)
        #expect(try gate.process.waitForExit() == 0)
        _ = Successor(pid: try gate.servingProcess())
        #expect(try gate.exchange("GET", "/work").status == 200)
    }

    @Test func `a stop of the new process stops the old one as well, within drain_timeout`() throws {
        let isEnding = Signal()
        let upstream = try ScriptedUpstream.streaming("up", until: isEnding)
        let gate = try Gate("process: { drain_timeout: 1s }\nupstreams: { up: \(upstream.url) }")
        let stream = try Stream(gate, number: 0)
        try stream.waitForEvents(2)
        let successor = try gate.upgrade()
        #expect(gate.process.exitCode == nil)
        kill(successor.pid, SIGTERM)
        #expect(try gate.process.waitForExit(within: 10) == 0)
        try waitUntil("the new process to end") { !successor.isRunning }
        #expect(try stream.finish() != nil, "what did not end in time looks broken")
        isEnding.open()
    }

    @Test func `with --mock there is no upgrade, and that is said`() throws {
        let gate = try Gate(
            "routes: [{ path: /**, auth: open, respond: { text: here } }]",
            options: ["--mock", "\(try Address.free())"])
        let result = try gate.headgate("upgrade", "--admin", gate.adminPath)
        #expect(result.code == 1)
        #expect(result.errors.contains("--mock"))
    }
}
