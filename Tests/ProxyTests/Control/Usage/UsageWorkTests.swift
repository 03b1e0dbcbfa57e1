import CLinux
import Testing

@testable import Proxy
@testable import Stores

/// The work without its thread, and two stores; what comes back from them is handed on by the test.
private final class Scene {
    let one: UsageScene
    let other: UsageScene
    let outcomes = Locked<[UsageOutcome]>([])
    var work: UsageWork
    let ledger = Ledger.small()
    private var now = headgate_monotonic_ns()

    init() throws {
        one = try UsageScene(isStarted: false)
        other = try UsageScene(isStarted: false)
        work = UsageWork(ledger: ledger, figures: Locked(UsageFigures())) { [outcomes] outcome in
            outcomes.withLock { $0.append(outcome) }
        }
    }

    func use(_ scene: UsageScene) {
        work.use(UsageSetting(store: scene.keeper, measures: UsageScene.measures))
    }

    func add(_ model: String) {
        work.add(UsageRecord(time: one.now), ["", "", model, ""].map { Array($0.utf8) })
    }

    func turn() {
        now += UsageWriter.writeNanoseconds
        work.turn(now: now)
    }

    func takeOutcomes(_ count: Int) -> [UsageOutcome] {
        guard eventually({ outcomes.withLock { $0.count == count } }) else { return [] }
        return outcomes.withLock { outcomes in
            defer { outcomes = [] }
            return outcomes
        }
    }
}

@Test func `what came before another store goes to the old one, also while that is busy`() throws {
    let scene = try Scene()
    let isBusy = Locked(true)
    scene.use(scene.one)
    _ = scene.one.keeper.perform { _ in while isBusy.withLock({ $0 }) { _ = headgate_monotonic_ns() } }
    scene.add("first")
    scene.turn()
    scene.add("second")
    scene.use(scene.other)
    scene.add("third")
    scene.turn()
    isBusy.withLock { $0 = false }
    for outcome in scene.takeOutcomes(3) { scene.work.take(outcome) }
    #expect(scene.one.written() == ["first": 1, "second": 1])
    #expect(scene.other.written() == ["third": 1])
    let isMore = scene.work.writeMore()
    #expect(!isMore)
}

@Test func `counts of an outdated transaction do not come back in front of newer ones`() throws {
    let scene = try Scene()
    let measure = UsageScene.measures[0]
    scene.use(scene.one)
    _ = scene.ledger.use(measure, 40, at: scene.one.now)
    scene.turn()
    let first = try #require(scene.takeOutcomes(1).first)
    scene.use(scene.other)
    scene.use(scene.one)
    _ = scene.ledger.use(measure, 2, at: scene.one.now)
    scene.turn()
    for outcome in scene.takeOutcomes(1) { scene.work.take(outcome) }
    scene.work.take(
        UsageOutcome(
            number: first.number, store: first.store, usage: [:], ledger: first.ledger, error: .locked))
    scene.turn()
    let isMore = scene.work.writeMore()
    #expect(!isMore)
    let amounts = try scene.one.ledgerRows(1).map { $0.state.slots.map(\.amount).reduce(0, +) }
    #expect(first.ledger.count == 1 && amounts == [42])
}
