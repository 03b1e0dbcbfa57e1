import CLinux
import Glibc
import Testing

@testable import Proxy
@testable import Stores

/// A worker's ring with nobody behind it, the ledger, the writer that drains both, a store on disk with the
/// keeper that the daemon has, and another connection as the command line has it.
final class UsageScene {
    let folder: TemporaryFolder
    let path: String
    let keeper: StoreKeeper
    let other: Store
    let handle: WorkerHandle
    let ledger = Ledger.small()
    let writer: UsageWriter
    /// Of a reload.
    static let measures = [
        LimitMeasure.test(1, .money, .day, max: 1000), .test(2, .tokens, .month, max: 1000),
        .test(3, .tokens, .minute, max: 1000),
    ]
    let now = headgate_realtime_ns()

    init(_ folder: TemporaryFolder = TemporaryFolder(), isStarted: Bool = true) throws {
        self.folder = folder
        path = folder.path + "/main.db"
        try Store.prepare(path)
        other = try Store(opening: path, options: Store.Options())
        keeper = try StoreKeeper(path: path, options: Store.Options(), passwordCost: 4, display: "main.db")
        try keeper.start(migrates: false)
        let bell = try WriterBell()
        handle = try WorkerHandle(
            index: 0, controlBell: try Bell(), writerBell: try WriterBell(), usageBell: bell, desk: Desk())
        writer = try UsageWriter(ledger: ledger, bell: bell)
        guard isStarted else { return }
        try writer.start([handle])
        try use(keeper)
    }

    deinit {
        writer.stop()
        keeper.stop()
    }

    func use(_ store: StoreKeeper?, _ measures: [LimitMeasure] = UsageScene.measures) throws {
        writer.commit(try writer.prepare(store: store, measures: measures).get())
    }

    @discardableResult
    func append(_ model: String = "gpt", key: Int64 = 1) -> Bool {
        let record = UsageRecord(time: now, keyID: key, userID: 2, inputTokens: 7)
        let isAppended = Array(model.utf8).withUnsafeBytes { bytes in
            var texts = UsageTexts(items: .init(repeating: UnsafeRawBufferPointer(start: nil, count: 0)))
            texts.items[UsageText.model.rawValue] = bytes
            return handle.usage.append(record, texts: texts)
        }
        handle.usageBell.recordAppended()
        return isAppended
    }

    /// Requests by model, in the store.
    func written(_ store: Store? = nil) -> [String: Int64] {
        let groups = (try? (store ?? other).usage(by: .model, days: 0...100_000)) ?? []
        return Dictionary(uniqueKeysWithValues: groups.map { ($0.subject.model, $0.sums.requests) })
    }

    func ledgerRows(_ measure: UInt32, _ store: Store? = nil) throws -> [LedgerRow] {
        try (store ?? other).ledger(of: "test/\(measure)")
    }

    /// What a subject has used up, as the ledger in memory has it.
    func used(_ measure: LimitMeasure, _ subject: LimitSubject = .test(1)) -> UInt64 {
        ledger.peek(measure: measure, subject: subject, max: measure.max, at: .both(now)).used
    }
}

@Suite struct UsageWriterTests {
    @Test func `what workers append is in the store within seconds, and all of it by a stop`() throws {
        let scene = try UsageScene()
        for _ in 0..<5 { scene.append() }
        scene.append("other")
        #expect(eventually { scene.written() == ["gpt": 5, "other": 1] })
        #expect(eventually { scene.writer.status.figures.written == 6 })
        for _ in 0..<1000 { scene.append() }
        scene.writer.stop()
        #expect(scene.written() == ["gpt": 1005, "other": 1])
        let status = scene.writer.status
        #expect(status.figures == UsageFigures(store: "main.db", written: 1006))
        #expect(status.lines == ["usage       main.db, 1006 requests written, 0 waiting, 0 lost"])
    }

    @Test func `more rows than one transaction takes are all written`() throws {
        let scene = try UsageScene()
        let count = UsageTally.batchMax + 100
        for number in 0..<count { #expect(eventually { scene.append(key: Int64(number)) }) }
        scene.writer.stop()
        #expect(try scene.other.database.integer("SELECT count(*) FROM usage") == Int64(count))
    }

    @Test func `a ring that is full costs the worker nothing, and what is dropped is told`() throws {
        let scene = try UsageScene(isStarted: false)
        var kept: Int64 = 0
        while scene.append() { kept += 1 }
        #expect(!scene.append())
        try scene.use(scene.keeper)
        try scene.writer.start([scene.handle])
        #expect(eventually { scene.written() == ["gpt": kept] })
        #expect(scene.writer.status.dropped == 2)
        #expect(scene.writer.status.lines.first?.hasSuffix(", 2 lost") == true)
        #expect(scene.append())
        #expect(eventually { scene.written() == ["gpt": kept + 1] })
    }

    @Test func `while the store cannot be written, sums are kept and that is told, until it can`() throws {
        let scene = try UsageScene()
        scene.append()
        #expect(eventually { scene.written() == ["gpt": 1] })
        rename(scene.path, scene.path + ".away")
        #expect(eventually { scene.keeper.problem != nil })
        scene.append()
        _ = scene.ledger.use(UsageScene.measures[0], 40, at: scene.now)
        #expect(eventually { scene.writer.status.figures.problem != nil })
        scene.append()
        #expect(eventually { scene.writer.status.figures.waiting == 2 })
        let lines = scene.writer.status.lines
        #expect(lines.count == 2 && lines.last?.hasPrefix("usage error since ") == true, "\(lines)")
        var json = JSONText()
        json.object { scene.writer.status.append(to: &$0) }
        #expect(json.text.contains(#""waiting":2,"lost":0,"dropped":0,"problem":{"since":"#), "\(json.text)")
        rename(scene.path + ".away", scene.path)
        #expect(eventually { scene.written() == ["gpt": 3] })
        #expect(eventually { scene.writer.status.figures.problem == nil })
        #expect(eventually { (try? scene.ledgerRows(1).count) == 1 })
        #expect(eventually { scene.writer.status.figures.waiting == 0 })
    }

    @Test func `where usage is turned off, what came before goes to the store of then`() throws {
        let scene = try UsageScene()
        scene.append()
        #expect(eventually { scene.written() == ["gpt": 1] })
        scene.append()
        #expect(eventually { scene.handle.usage.isEmpty })
        try scene.use(nil)
        #expect(eventually { scene.writer.status.figures.store == nil })
        #expect(scene.writer.status.lines == [])
        #expect(eventually { scene.written() == ["gpt": 2] })
        scene.append("straggler")
        #expect(eventually { scene.handle.usage.isEmpty })
        #expect(scene.written() == ["gpt": 2])
        try scene.use(scene.keeper)
        scene.append("later")
        #expect(eventually { scene.written() == ["gpt": 2, "straggler": 1, "later": 1] })
    }

    @Test func `another store gets what comes from then on, and all counts of limits`() throws {
        let scene = try UsageScene()
        let measure = UsageScene.measures[0]
        #expect(scene.ledger.use(measure, 40, at: scene.now) == nil)
        scene.append()
        #expect(eventually { scene.written() == ["gpt": 1] })
        #expect(eventually { (try? scene.ledgerRows(1).count) == 1 })
        let path = scene.folder.path + "/second.db"
        try Store.prepare(path)
        let second = try Store(opening: path, options: Store.Options())
        let keeper = try StoreKeeper(path: path, options: Store.Options(), passwordCost: 4)
        try keeper.start(migrates: false)
        defer { keeper.stop() }
        try scene.use(keeper)
        #expect(eventually { scene.writer.status.figures.store == path })
        scene.append("new")
        #expect(eventually { scene.written(second) == ["new": 1] })
        #expect(eventually { (try? scene.ledgerRows(1, second).count) == 1 })
        #expect(scene.written() == ["gpt": 1])
        #expect(scene.used(measure) == 40)
        scene.writer.stop()
    }

    @Test func `a start waits longer for a store that is busy than a reload does`() throws {
        let scene = try UsageScene(isStarted: false)
        let isBusy = Locked(true)
        _ = scene.keeper.perform { _ in while isBusy.withLock({ $0 }) { sched_yield() } }
        let short = scene.writer.prepare(store: scene.keeper, measures: UsageScene.measures, within: 20)
        guard case .failure(let problem) = short else {
            Issue.record("a store that does not answer has answered")
            return
        }
        #expect(problem.description.hasSuffix("no answer within 20 ms"))
        isBusy.withLock { $0 = false }
        let long = scene.writer.prepare(
            store: scene.keeper, measures: UsageScene.measures, within: UsageWriter.startMilliseconds)
        #expect(throws: Never.self) { try long.get() }
        #expect(UsageWriter.startMilliseconds >= 24 * StoreKeeper.askMilliseconds)
    }

    @Test func `a file that is replaced gets all counts of limits, also those that rest`() throws {
        let scene = try UsageScene()
        let measure = UsageScene.measures[0]
        _ = scene.ledger.use(measure, 40, .test(1), at: scene.now)
        #expect(eventually { (try? scene.ledgerRows(1).count) == 1 })
        let path = scene.folder.path + "/backup.db"
        try Store.prepare(path)
        let copy = try Store(opening: path, options: Store.Options())
        try copy.putLedger([
            LedgerRow(
                measure: "test/1", subject: LedgerSubject(high: 7, low: 1),
                state: LedgerState(slots: [], reserved: 5), expiresAt: .max)
        ])
        copy.close()
        for end in ["-wal", "-shm"] { unlink(scene.path + end) }
        rename(path, scene.path)
        let replaced = try Store(opening: scene.path, options: Store.Options())
        func counted() throws -> [UInt64] {
            try scene.ledgerRows(1, replaced).map {
                $0.state.slots.map(\.amount).reduce($0.state.reserved, +)
            }
        }
        #expect(eventually { (try? counted()) == [40] })
        #expect(scene.used(measure) == 40)
    }
}
