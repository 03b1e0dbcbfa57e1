// Covers UsageTally.swift, UsageModels.swift
import Testing

@testable import Proxy
@testable import Stores

private func texts(_ model: String = "gpt", caller: String = "ann/app") -> [[UInt8]] {
    ["members", caller, model, "one"].map { Array($0.utf8) }
}

private let dayNanoseconds: UInt64 = 86_400_000_000_000

private func record(day: UInt64 = 20_000) -> UsageRecord {
    UsageRecord(
        time: day * dayNanoseconds + dayNanoseconds - 1, keyID: 3, userID: 4, inputTokens: 10,
        outputTokens: 20,
        cachedInputTokens: 5, nanoUSD: 100, isEstimated: true, failed: true)
}

@Test func `records that are alike become one row, by the day in UTC`() {
    var tally = UsageTally()
    for _ in 0..<3 { tally.add(record(), texts()) }
    tally.add(record(day: 20_001), texts())
    tally.add(UsageRecord(time: 0), texts("", caller: ""))
    let subject = UsageSubject(
        day: 20_000, auth: "members", caller: "ann/app", keyID: 3, userID: 4, model: "gpt", upstream: "one")
    let batch = tally.take()
    #expect(batch.count == 3)
    #expect(
        batch[subject]
            == UsageSums(
                requests: 3, failures: 3, inputTokens: 30, outputTokens: 60, cachedInputTokens: 15,
                nanoUSD: 300, estimated: 3))
    #expect(batch[UsageSubject(day: 0, auth: "members", upstream: "one")] == UsageSums(requests: 1))
    #expect(batch.keys.map(\.day).sorted() == [0, 20_000, 20_001])
}

@Test func `what is given back is added to what came meanwhile`() {
    var tally = UsageTally()
    tally.add(record(), texts())
    let batch = tally.take()
    tally.add(record(), texts())
    #expect(tally.requests == 2)
    tally.giveBack(batch)
    #expect(tally.count == 1 && tally.requests == 2)
    let both = tally.take()
    #expect(both.values.map(\.requests) == [2])
    tally.written(both)
    #expect(tally.count == 0 && tally.requests == 0 && tally.isEmpty)
}

@Test func `rows are bounded, those under way counted too, and what finds no room is counted`() {
    var tally = UsageTally(rowsMax: 4)
    for number in 0..<4 { tally.add(record(), texts("model \(number)")) }
    let batch = tally.take(max: 3)
    #expect(batch.count == 3 && tally.count == 4)
    tally.add(record(), texts("another"))
    #expect(tally.lost == 1 && tally.requests == 4)
    let left = tally.take()
    tally.giveBack(left)
    left.keys.first.map { tally.add(record(), texts($0.model)) }
    #expect(tally.lost == 1 && tally.requests == 5, "a row that is there has room")
    tally.written(batch)
    tally.add(record(), texts("another"))
    #expect(tally.lost == 1 && tally.count == 2 && tally.requests == 3)
}

@Test func `numbers beyond the table's stay at its largest, and bytes that are no text are repaired`() {
    var tally = UsageTally()
    let huge = UsageRecord(time: .max, inputTokens: .max, outputTokens: .max, nanoUSD: .max)
    for _ in 0..<2 { tally.add(huge, [[0xFF], [], [0], Array("é".utf8)]) }
    let batch = tally.take()
    #expect(
        batch.values.first == UsageSums(requests: 2, inputTokens: .max, outputTokens: .max, nanoUSD: .max))
    #expect(batch.keys.first?.auth == "\u{FFFD}" && batch.keys.first?.upstream == "é")
}

@Test func `a caller has so many models on a day, and names of so many bytes`() {
    var tally = UsageTally()
    func models() -> [String: Int64] {
        let batch = tally.take()
        defer { tally.written(batch) }
        return Dictionary(batch.map { ($0.key.model, $0.value.requests) }) { $0 + $1 }
    }
    for number in 0..<1005 { tally.add(record(), texts("model \(number)")) }
    for _ in 0..<2 { tally.add(record(), texts("model 7")) }
    let first = models()
    #expect(first.count == 1001 && first["(other)"] == 5 && first["model 7"] == 3)
    tally.add(record(), texts("model 1004"))
    tally.add(record(), texts(""))
    tally.add(record(), texts("model 1004", caller: "bob/app"))
    tally.add(record(day: 20_001), texts("model 1004"))
    #expect(models() == ["(other)": 1, "": 1, "model 1004": 2], "also once those of before are written")
    for day: UInt64 in 20_002...20_010 { tally.add(record(day: day), texts("a")) }
    #expect(models() == ["a": 9])
}

@Test(arguments: [
    (String(repeating: "a", count: 128), String(repeating: "a", count: 128)),
    (String(repeating: "a", count: 129), String(repeating: "a", count: 128)),
    (String(repeating: "a", count: 127) + "é", String(repeating: "a", count: 127)),
    (String(repeating: "a", count: 125) + "\u{1F600}", String(repeating: "a", count: 125)),
    (String(repeating: "a", count: 124) + "\u{1F600}b", String(repeating: "a", count: 124) + "\u{1F600}"),
])
func `a long name is cut between characters`(name: String, cut: String) {
    var tally = UsageTally()
    tally.add(record(), texts(name))
    #expect(tally.take().keys.map(\.model) == [cut])
}
