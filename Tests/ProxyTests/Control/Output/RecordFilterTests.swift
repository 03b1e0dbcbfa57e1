import Testing

@testable import Config
@testable import Proxy

private func filter(_ percent: Int, slow: Duration? = nil) -> RecordFilter {
    RecordFilter(AccessLogConfig(destination: .stdout, format: .json, samplePercent: percent, slow: slow))
}

private func record(_ change: (inout ExchangeRecord) -> Void = { _ in }) -> ExchangeRecord {
    var record = ExchangeRecord()
    record.status = 200
    record.totalTime = 5_000_000
    change(&record)
    return record
}

private let ids = (0..<10_000).map { Array("request-\($0)".utf8) }

@Suite(.tags(.fast)) struct RecordFilterTests {
    @Test(arguments: [0, 1, 10, 50, 99, 100]) func `a sample has about its share of ordinary successes`(
        percent: Int
    ) {
        let kept = ids.count { filter(percent).keeps(record(), requestID: $0) }
        #expect(abs(kept - percent * 100) <= 250, "\(kept)")
        if percent == 0 || percent == 100 { #expect(kept == percent * 100) }
    }

    @Test func `a smaller sample is part of a larger one, and the same everywhere`() {
        for id in ids where filter(10).keeps(record(), requestID: id) {
            #expect(filter(20).keeps(record(), requestID: id))
            #expect(filter(10).keeps(record { $0.startedAt = 7 }, requestID: id))
        }
    }

    @Test func `errors, what broke off and what took long is kept in any case`() {
        let nothing = filter(0, slow: .milliseconds(6))
        let kept: [(inout ExchangeRecord) -> Void] = [
            { $0.status = 404 }, { $0.status = 502 }, { $0.status = 0 }, { $0.outcome = .clientGone },
            { $0.outcome = .truncated }, { $0.fault = .upstream }, { $0.totalTime = 6_000_000 },
        ]
        for change in kept { #expect(nothing.keeps(record(change), requestID: ids[0])) }
        #expect(!nothing.keeps(record(), requestID: ids[0]))
        #expect(!nothing.keeps(record { $0.status = 301 }, requestID: ids[0]))
        #expect(!filter(0).keeps(record { $0.totalTime = .max - 1 }, requestID: ids[0]), "nothing is slow")
    }
}
