import Stores

/// What has been used and is not in the store yet, added up.
struct UsageTally {
    /// Rows that are held at once; what would make another is counted and lost.
    static let rowsMax = 100_000
    /// Rows that are written at once: the store's thread has others to serve.
    static let batchMax = 10_000

    private var sums: [UsageSubject: UsageSums] = [:]
    private var models = UsageModels()
    /// Rows that were taken, and are neither written nor given back yet.
    private var taken = 0
    /// Requests that are not written.
    private(set) var requests: UInt64 = 0
    /// Requests that found no room.
    private(set) var lost: UInt64 = 0
    private let rowsMax: Int

    init(rowsMax: Int = UsageTally.rowsMax) { self.rowsMax = rowsMax }

    var isEmpty: Bool { sums.isEmpty }
    var count: Int { sums.count + taken }

    mutating func add<Text: Sequence<UInt8>>(_ record: UsageRecord, _ texts: [Text]) {
        func text(_ which: UsageText) -> String {
            String(decoding: Array(texts[which.rawValue]), as: UTF8.self)
        }
        let second = Int64(record.time / 1_000_000_000)
        var subject = UsageSubject(
            day: second / UsageSubject.secondsPerDay, auth: text(.auth), caller: text(.caller),
            keyID: record.keyID, userID: record.userID, upstream: text(.upstream))
        let model = String(decoding: UsageModels.cut(Array(texts[UsageText.model.rawValue])), as: UTF8.self)
        subject.model = models.name(model, of: subject)
        guard sums[subject] != nil || count < rowsMax else {
            lost += 1
            return
        }
        sums[subject, default: UsageSums()] += UsageSums(record)
        requests += 1
    }

    /// What is to be written now, at most `max` rows: followed by `written` or `giveBack`.
    mutating func take(max: Int = UsageTally.batchMax) -> [UsageSubject: UsageSums] {
        var batch = sums
        if sums.count > max {
            batch = Dictionary(uniqueKeysWithValues: sums.prefix(max).map { ($0.key, $0.value) })
            for subject in batch.keys { sums[subject] = nil }
        } else {
            sums = [:]
        }
        taken += batch.count
        return batch
    }

    mutating func written(_ batch: [UsageSubject: UsageSums]) {
        taken -= batch.count
        requests -= UsageTally.requests(of: batch)
    }

    static func requests(of batch: [UsageSubject: UsageSums]) -> UInt64 {
        batch.values.reduce(0) { $0 + UInt64($1.requests) }
    }

    mutating func giveBack(_ batch: [UsageSubject: UsageSums]) {
        taken -= batch.count
        for (subject, more) in batch { sums[subject, default: UsageSums()] += more }
    }
}

extension UsageSums {
    init(_ record: UsageRecord) {
        self.init(
            requests: 1, failures: record.failed ? 1 : 0, inputTokens: Int64(clamping: record.inputTokens),
            outputTokens: Int64(clamping: record.outputTokens),
            cachedInputTokens: Int64(clamping: record.cachedInputTokens),
            nanoUSD: Int64(clamping: record.nanoUSD), estimated: record.isEstimated ? 1 : 0)
    }
}
