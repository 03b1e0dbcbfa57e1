// Covers Store+Usage.swift, UsageRecords.swift
import Glibc
import Testing

@testable import Stores

private let today: Int64 = 20_000

private func subject(
    day: Int64 = today, auth: String = "members", _ caller: String = "ann/app", key: Int64 = 1,
    user: Int64 = 1, model: String = "gpt", upstream: String = "one"
) -> UsageSubject {
    UsageSubject(
        day: day, auth: auth, caller: caller, keyID: key, userID: user, model: model, upstream: upstream)
}

private func sums(_ factor: Int64) -> UsageSums {
    UsageSums(
        requests: factor, failures: 2 * factor, inputTokens: 3 * factor, outputTokens: 4 * factor,
        cachedInputTokens: 5 * factor, nanoUSD: 6 * factor, estimated: 7 * factor)
}

extension TestStore {
    fileprivate func usage(
        _ grouping: UsageGrouping, days: ClosedRange<Int64> = 0...30_000
    ) throws -> [UsageGroup] {
        try store.usage(by: grouping, days: days).sorted { $0.sums.requests < $1.sums.requests }
    }
}

@Suite struct StoreUsageTests {
    @Test func `what is added comes on top, row by row and column by column`() throws {
        let test = try TestStore()
        try test.store.addUsage([subject(): sums(1), subject(model: "other"): sums(10)])
        try test.store.addUsage([subject(): sums(100)])
        try test.store.addUsage([:])
        let found = try test.usage(.model)
        #expect(found.map(\.subject.model) == ["other", "gpt"])
        #expect(found.map(\.sums) == [sums(10), sums(101)])
        #expect(
            try test.query("SELECT * FROM usage ORDER BY model") == [
                "20000|members|ann/app|1|1|gpt|one|101|202|303|404|505|606|707",
                "20000|members|ann/app|1|1|other|one|10|20|30|40|50|60|70",
            ])
    }

    @Test func `each grouping adds up what it does not tell apart`() throws {
        let test = try TestStore()
        let ann = try test.user("ann")
        let bob = try test.store.createUser(NewUser(email: "bob@example.com"))
        try test.store.addUsage([
            subject(user: ann.id): sums(1),
            subject(day: today + 1, "ann/new name", user: ann.id, model: "o", upstream: "two"): sums(2),
            subject("ann/second", key: 2, user: ann.id): sums(4),
            subject("bob/app", key: 3, user: bob.id): sums(8),
            subject(auth: "tokens", "batch", key: 0, user: 0): sums(16),
            subject(auth: "tokens", "other", key: 0, user: 0): sums(32),
            subject(auth: "", "", key: 0, user: 0, model: "", upstream: ""): sums(64),
            subject("gone/app", key: 9, user: 99): sums(128),
        ])
        let keys = try test.usage(.key)
        #expect(keys.map(\.sums.requests) == [3, 4, 8, 16, 32, 64, 128])
        #expect(
            keys.map(\.subject.caller) == [
                "ann/new name", "ann/second", "bob/app", "batch", "other", "", "gone/app",
            ])
        #expect(keys.map(\.subject.keyID) == [1, 2, 3, 0, 0, 0, 9])
        #expect(keys.map(\.username) == ["ann", "ann", nil, nil, nil, nil, nil])
        let users = try test.usage(.user)
        #expect(users.map(\.sums.requests) == [7, 8, 16, 32, 64, 128])
        #expect(users.map { $0.username ?? $0.email } == ["ann", "bob@example.com", nil, nil, nil, nil])
        #expect(users.map(\.subject.userID) == [ann.id, bob.id, 0, 0, 0, 99])
        #expect(
            try test.usage(.day).map { [$0.subject.day, $0.sums.requests] } == [
                [today + 1, 2], [today, 253],
            ])
        #expect(try test.usage(.upstream).map(\.subject.upstream) == ["two", "", "one"])
        #expect(try test.usage(.model).map(\.sums.requests) == [2, 64, 189])
    }

    @Test func `days are taken from the first to the last, found by the index`() throws {
        let test = try TestStore()
        for day: Int64 in 1...9 { try test.store.addUsage([subject(day: day): sums(1)]) }
        #expect(try test.usage(.day, days: 3...5).map(\.subject.day).sorted() == [3, 4, 5])
        #expect(try test.usage(.day, days: 9...9).map(\.subject.day) == [9])
        #expect(try test.usage(.day, days: 10...20) == [])
        let plan = try test.query("EXPLAIN QUERY PLAN SELECT * FROM usage WHERE day BETWEEN 3 AND 5")
        #expect(plan.last?.contains("SEARCH usage USING PRIMARY KEY (day>? AND day<?)") == true, "\(plan)")
    }

    @Test func `a count that is full stays so, also added up`() throws {
        let test = try TestStore()
        let full = UsageSums(requests: 1, nanoUSD: .max)
        try test.store.addUsage([subject(): full])
        try test.store.addUsage([subject(): full, subject(model: "other"): full])
        let found = try test.usage(.day)
        #expect(found.map(\.sums) == [UsageSums(requests: 3, nanoUSD: .max)])
        var total = UsageSums()
        for _ in 0..<3 { total += full }
        #expect(total == UsageSums(requests: 3, nanoUSD: .max))
        try test.store.addUsage([subject(model: "third"): UsageSums(requests: -5, nanoUSD: -1)])
        #expect(try test.usage(.model).first?.sums == UsageSums())
    }

    @Test func `sums of billions of billionths are exact`() throws {
        let test = try TestStore()
        let part: Int64 = 4_611_686_018_427_387_903
        try test.store.addUsage([
            subject(): UsageSums(nanoUSD: part), subject(model: "b"): UsageSums(nanoUSD: part),
            subject(model: "c"): UsageSums(nanoUSD: 1),
        ])
        #expect(try test.usage(.day).map(\.sums.nanoUSD) == [.max])
        try test.query("DELETE FROM usage WHERE model = 'c'")
        #expect(try test.usage(.day).map(\.sums.nanoUSD) == [.max - 1])
    }

    @Test func `usage is no change of users and keys`() throws {
        let test = try TestStore()
        let user = try test.user()
        _ = try test.key(user)
        let before = try test.store.keyChanges(since: nil)
        let rows = try test.query("SELECT count(*) FROM changes")
        try test.store.addUsage([subject(user: user.id): sums(1)])
        try test.store.addUsage([subject(user: user.id): sums(1)])
        let changes = try test.store.keyChanges(since: before.version)
        #expect(changes.changed == [] && changes.users == [] && !changes.isComplete)
        #expect(changes.version == before.version)
        #expect(try test.query("SELECT count(*) FROM changes") == rows)
    }

    @Test func `what somebody used stays when the user is deleted`() throws {
        let test = try TestStore()
        let user = try test.user()
        try test.store.addUsage([subject(user: user.id): sums(1)])
        try test.store.deleteUser(user.id)
        let found = try test.usage(.user)
        #expect(found.map(\.sums) == [sums(1)])
        #expect(found.first?.username == nil && found.first?.subject.caller == "ann/app")
        #expect(try test.store.check() == [])
    }

    @Test func `a reader sees whole batches while another connection writes`() async throws {
        let test = try TestStore()
        let path = test.path
        let writer = Task.detached {
            let store = try Store(opening: path, options: Store.Options())
            for _ in 0..<50 { try store.addUsage([subject(): sums(1), subject(model: "b"): sums(1)]) }
        }
        var last: Int64 = 0
        let end = ContinuousClock.now + .seconds(30)
        while last < 100, ContinuousClock.now < end {
            let sum = try test.usage(.day).first?.sums.requests ?? 0
            #expect(sum >= last && sum.isMultiple(of: 2))
            last = sum
        }
        try await writer.value
        #expect(try test.usage(.day).map(\.sums) == [sums(100)])
    }

    @Test func `a batch that has no room leaves nothing, and can be added again`() throws {
        let test = try TestStore()
        try test.store.addUsage([subject(): sums(1)])
        let pages = try test.store.database.integer("PRAGMA page_count") ?? 0
        try test.store.database.script("PRAGMA max_page_count = \(pages)")
        var batch: [UsageSubject: UsageSums] = [:]
        for number in 0..<1000 { batch[subject(model: "model \(number)")] = sums(1) }
        #expect(throws: StoreError.diskFull) { try test.store.addUsage(batch) }
        #expect(try test.usage(.day).map(\.sums) == [sums(1)])
        try test.store.database.script("PRAGMA max_page_count = 100000")
        try test.store.addUsage(batch)
        #expect(try test.usage(.day).map(\.sums) == [sums(1001)])
        #expect(try test.store.check() == [])
    }

    @Test func `what is older than 400 days is deleted in bounded steps`() throws {
        let test = try TestStore()
        let today = test.now / 86_400
        let models = (0..<25).map { subject(day: today - 401, model: "model \($0)") }
        try test.store.addUsage(Dictionary(uniqueKeysWithValues: models.map { ($0, sums(1)) }))
        try test.store.addUsage([subject(day: today - 400): sums(1), subject(day: today): sums(1)])
        #expect(try test.store.forgetOldUsage(max: 20) == 20)
        #expect(try test.store.forgetOldUsage(max: 20) == 5)
        #expect(try test.store.forgetOldUsage() == 0)
        #expect(try test.usage(.day).map(\.subject.day).sorted() == [today - 400, today])
    }
}
