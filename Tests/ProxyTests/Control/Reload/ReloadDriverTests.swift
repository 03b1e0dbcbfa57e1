import CLinux
import Config
import Testing

@testable import Proxy
@testable import Stores

/// A driver without workers: a generation that is built is adopted by all of them at once.
private final class Scene {
    let folder = TemporaryFolder()
    let driver: ReloadDriver
    private(set) var reports: [ReloadReport] = []
    private let writer: RecordWriter

    init() throws {
        let workers = try WorkerPool()
        driver = try ReloadDriver(
            loader: ConfigLoader(path: folder.path + "/headgate.yaml"), workers: workers,
            watcher: try ConfigWatcher(), loop: try ControlLoop())
        writer = try RecordWriter(bell: workers.writerBell)
        driver.report = { [unowned self] in reports.append($0) }
    }

    deinit {
        driver.usage.stop()
        driver.auth.stop()
        driver.sockets.closeAll()
    }

    /// Writes the file, with one listener and these lines, and reloads.
    @discardableResult
    func serve(_ lines: String = "", trigger: Reload.Trigger = .request) throws -> ReloadReport {
        folder.write(
            "headgate.yaml",
            "version: 1\nlisteners: { one: unix:\(folder.path)/one.sock }\nauth: { open: { mode: none } }\n"
                + "routes: [{ path: /, auth: open, respond: { text: x } }]\n\(lines)\n")
        return try reload(trigger)
    }

    func reload(_ trigger: Reload.Trigger = .request) throws -> ReloadReport {
        let before = reports.count
        driver.trigger(trigger)
        driver.resolveTimedOut()
        return try #require(reports.dropFirst(before).first)
    }

    /// A store, and the limits by day whose counts it keeps.
    static let kept = """
        stores: { main: main.db }
        usage: main
        limits: { daily: { by: ip, requests_per_day: 5 } }
        """

    func store() throws -> Store {
        let path = folder.path + "/main.db"
        try Store.prepare(path)
        return try Store(opening: path, options: Store.Options())
    }

    var status: StatusReport {
        StatusReport(version: "1.2.3", startedAt: 0, driver: driver, writer: writer, isStopping: false)
    }
}

@Test func `a start whose access log cannot be opened fails, but not for the file`() throws {
    let scene = try Scene()
    let report = try scene.serve("access_log: ./none/a.log", trigger: .start)
    #expect(report.result == .failed)
    #expect(report.text.contains("headgate.yaml:5:13: error: access_log.to: cannot open ./none/a.log"))
    #expect(!scene.driver.isConfigBroken)
    #expect(scene.driver.served == nil)
}

@Test func `a reload whose access log cannot be opened changes nothing`() throws {
    let scene = try Scene()
    #expect(try scene.serve(trigger: .start).result == .reloaded)
    let report = try scene.serve(
        "access_log: ./none/a.log\nupstreams: { new: http://127.0.0.1:1 }\nresolve_timeout: 9s")
    #expect(report.result == .failed)
    #expect(report.text.hasSuffix("1 error, 1 warning; still serving generation 1"), "\(report.text)")
    #expect(scene.driver.served?.generation.number == 1)
    #expect(scene.driver.census.alive == 1)
    #expect(try scene.serve("access_log: ./a.log").generation == 2)
}

@Test func `an older generation that drains after a reload is no end of serving`() throws {
    let scene = try Scene()
    try scene.serve(trigger: .start)
    var old = scene.driver.served?.generation
    try scene.serve("resolve_timeout: 9s")
    #expect(scene.driver.state == .draining)
    #expect(scene.driver.olderGenerations == 1)
    #expect(scene.status.json.contains(#""state":"serving""#), "\(scene.status.json)")
    #expect(scene.status.json.contains(#""generations_draining":1"#))
    #expect(scene.status.text.contains(", serving, started 1970-01-01T00:00:00.000Z\n"))
    #expect(scene.status.text.contains("older       1 generation with running exchanges"))
    #expect(old?.number == 1)
    old = nil
    scene.driver.noteDrained()
    #expect(scene.driver.state == .idle)
    #expect(!scene.status.text.contains("older"), "\(scene.status.text)")
}

@Test func `a changed process section is told until it is put back`() throws {
    let scene = try Scene()
    try scene.serve("process: { workers: 1 }", trigger: .start)
    #expect(scene.status.json.contains(#""restart_needed":[]"#))
    #expect(!scene.status.text.contains("restart"))
    let warning = "process.workers: the change needs a restart and is not in force"
    let changed = try scene.serve("process: { workers: 2, drain_timeout: 1s }")
    #expect(changed.result == .reloaded)
    #expect(changed.diagnostics.first?.message == warning)
    let unchanged = try scene.reload()
    #expect(unchanged.result == .unchanged)
    #expect(unchanged.diagnostics.map(\.keyPath) == ["process.workers", "process.drain_timeout"])
    #expect(unchanged.text.contains(warning) && unchanged.text.hasSuffix("unchanged, still generation 2"))
    #expect(
        scene.status.json.contains(#""restart_needed":["process.workers","process.drain_timeout"]"#),
        "\(scene.status.json)")
    #expect(scene.status.text.contains("restart     needed for process.workers, process.drain_timeout"))
    // A failure changes nothing about it: the file that is served is the one from before.
    #expect(try scene.serve("process: { wrokers: 2 }").result == .failed)
    #expect(scene.status.json.contains(#""restart_needed":["process.workers","#))
    #expect(try scene.serve("process: { workers: 1 }").diagnostics == [])
    #expect(scene.status.json.contains(#""restart_needed":[]"#))
    #expect(try scene.reload().diagnostics == [])
}

@Test func `a name without an address when resolve_timeout is over is warned about until it has`() throws {
    let scene = try Scene()
    let report = try scene.serve(
        "upstreams:\n  a: http://127.0.0.1:1\n  b: http://b.invalid:9", trigger: .start)
    #expect(report.result == .reloaded)
    let found = try #require(report.diagnostics.last)
    #expect(
        found.message
            == "upstreams.b: http://b.invalid:9 does not resolve (no answer yet); "
            + "requests get 502 until it does")
    #expect((found.severity, found.line, found.column) == (.warning, 7, 6))
    // An unchanged reload says it again, and not what concerns the file alone.
    #expect(try scene.reload().diagnostics == [found])
    let address = try #require(SocketAddress(numericHost: "127.0.0.1", port: 9))
    scene.driver.served?.generation.upstreams[1].endpoints[0].state.publish([address])
    #expect(try scene.reload().diagnostics == [])
}

private func row(_ measure: LimitMeasure, used: UInt64) -> LedgerRow {
    LedgerRow(
        measure: measure.identity, subject: LedgerSubject(high: 7, low: 1),
        state: LedgerState(slots: [], reserved: used), expiresAt: .max)
}

@Test func `what a store says was used up already counts before the first request`() throws {
    let scene = try Scene()
    let store = try scene.store()
    try scene.serve(Scene.kept, trigger: .start)
    try scene.driver.usage.start([])
    let measure = try #require(scene.driver.served?.generation.limits.first?.measures.first)
    #expect(measure.identity == "daily/requests_per_day/by=ip")
    #expect(eventually { scene.status.text.contains("usage       main.db, 0 requests written") })
    let other = try Scene()
    let before = try other.store()
    try before.putLedger([row(measure, used: 4)])
    #expect(try other.serve(trigger: .start).result == .reloaded)
    func used() throws -> UInt64 {
        let now = LimitTime(monotonic: 0, realtime: headgate_realtime_ns())
        return other.driver.workers.ledger.peek(
            measure: measure, subject: .test(1), max: measure.max, at: now
        ).used
    }
    #expect(try used() == 0)
    #expect(try other.serve(Scene.kept).result == .reloaded)
    #expect(try used() == 4)
    #expect(try other.serve("resolve_timeout: 9s\n" + Scene.kept).result == .reloaded)
    #expect(try used() == 4)
    store.close()
}

private let brokenRow =
    "INSERT INTO ledger VALUES ('daily/requests_per_day/by=ip', zeroblob(16), x'', 0, ?)"

@Test func `a store whose counts cannot be read fails the start, and a reload without a change`() throws {
    let scene = try Scene()
    let store = try scene.store()
    try store.database.run(brokenRow, [.integer(.max)])
    let started = try scene.serve(Scene.kept, trigger: .start)
    #expect(started.result == .failed && !scene.driver.isConfigBroken)
    #expect(
        started.text.contains("error: usage: what is used up already of limits cannot be read from main.db"))
    #expect(started.text.contains("what is used up of daily/requests_per_day/by=ip"), "\(started.text)")
    let other = try Scene()
    let damaged = try other.store()
    try damaged.database.run(brokenRow, [.integer(.max)])
    try other.serve(trigger: .start)
    #expect(try other.serve(Scene.kept).result == .failed)
    #expect(other.driver.served?.generation.number == 1 && other.driver.census.alive == 1)
    #expect(other.driver.workers.ledger.subjectCount == 0)
    try damaged.database.run("DELETE FROM ledger")
    #expect(try other.serve(Scene.kept).generation == 2)
}

@Test func `status shows who is at an upstream, and bounds hold once they are served`() throws {
    let scene = try Scene()
    try scene.serve(
        "upstreams: { a: { url: http://127.0.0.1:1, max_in_flight: 2, queue: { max: 3 } }, b: http://127.0.0.1:2 }",
        trigger: .start)
    let gate = try #require(scene.driver.served?.generation.upstreams[0].gate)
    #expect(scene.driver.served?.generation.upstreams[1].gate == nil)
    for number in 1...UInt64(6) { _ = gate.enter(Ticket(worker: 0, number: number)) }
    let shown = #""name":"a","in_flight":2,"max_in_flight":2,"queued":3,"queue_max":3,"refused":1"#
    #expect(scene.status.json.contains("\"upstreams\":[{\(shown),"), "\(scene.status.json)")
    #expect(
        scene.status.text.contains("upstream    a 2 of 2 in flight, 3 of 3 queued, 1 refused"),
        "\(scene.status.text)")
    try scene.serve("upstreams: { a: { url: http://127.0.0.1:1, max_in_flight: 4 } }")
    #expect(scene.driver.served?.generation.upstreams[0].gate === gate)
    #expect(scene.status.text.contains("upstream    a 4 of 4 in flight, 1 of 0 queued, 1 refused"))
}

@Test func `what keys are read from makes a reload, which keeps what has not changed`() throws {
    let scene = try Scene()
    func serve(_ rest: String = "") throws -> KeyPlan? {
        try scene.serve(
            "upstreams: { u: { url: http://127.0.0.1:1, key: { first_of: [ { file: key.txt }, { env: NOBODY_SETS_IT } ] } } }\n\(rest)",
            trigger: scene.driver.served == nil ? .start : .request)
        return scene.driver.served?.generation.upstreams.first?.key
    }
    let first = try #require(try serve())
    #expect(try serve("resolve_timeout: 9s") === first)
    scene.folder.write("key.txt", "a-key-of-an-upstream")
    #expect(try scene.reload().result == .reloaded)
    #expect(scene.driver.served?.generation.upstreams.first?.key !== first)
    #expect(scene.status.json.contains(#""keys":[{"upstream":"u","problems":[]}]"#), "\(scene.status.json)")
    #expect(try scene.reload().result == .unchanged)
}
