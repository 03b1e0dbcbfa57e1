import Synchronization
import Testing

@testable import Proxy

// Covers TelemetrySetting.swift

private func record(_ number: Int = 1, sampled: Bool = true) -> ExchangeRecord {
    var record = ExchangeRecord()
    record.trace = RecordedTrace(high: 1, low: UInt64(number), spanID: 1, flags: sampled ? 1 : 0)
    return record
}

private let texts = RecordText.allCases.map { _ in [UInt8]() }

private func exporter(to server: ScriptedServer) throws -> TraceExporter {
    let exporter = try TraceExporter(version: "1")
    let lines = Array("x-team: a\r\n".utf8)
    try exporter.configure(
        TelemetrySetting(url: "\(server.url)/v1/traces", service: "edge", headerLines: lines))
    return exporter
}

private func numbers(_ exporter: TraceExporter) -> [UInt64] {
    [exporter.exported.load(ordering: .relaxed), exporter.dropped.load(ordering: .relaxed)]
}

/// What arrived, and how each is answered.
private final class Collector: Sendable {
    let heads = Locked<[String]>([])

    func server(_ answers: [String]) throws -> ScriptedServer {
        try ScriptedServer { [self] connection in
            let head = connection.readHead()
            let count = heads.withLock { heads in
                heads.append(head)
                return heads.count
            }
            connection.send(answers[min(count, answers.count) - 1])
        }
    }
}

private let taken = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

@Suite struct TraceExporterTests {
    @Test func `spans of sampled traces go out together`() throws {
        let collector = Collector()
        let server = try collector.server([taken])
        let exporter = try exporter(to: server)
        for number in 1...3 { exporter.take(record(number), texts) }
        exporter.take(record(4, sampled: false), texts)
        exporter.take(ExchangeRecord(), texts)
        #expect(eventually { numbers(exporter) == [3, 0] })
        let heads = collector.heads.withLock { $0 }
        #expect(heads.count == 1 && heads[0].hasPrefix("POST /v1/traces HTTP/1.1\r\n"))
        #expect(heads[0].contains("Content-Type: application/json\r\nx-team: a\r\n"))
        exporter.stop()
        server.stop()
    }

    @Test func `one that cannot take them now is asked again when it says so`() throws {
        let collector = Collector()
        let busy = "HTTP/1.1 503 No\r\nretry-after-ms: 20\r\nContent-Length: 0\r\n\r\n"
        let server = try collector.server([busy, busy, taken])
        let exporter = try exporter(to: server)
        exporter.take(record(), texts)
        #expect(eventually { numbers(exporter) == [1, 0] })
        #expect(collector.heads.withLock(\.count) == 3)
        exporter.stop()
        server.stop()
    }

    @Test func `what is refused is lost, counted and told`() throws {
        let collector = Collector()
        let server = try collector.server(["HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", taken])
        let exporter = try exporter(to: server)
        exporter.take(record(), texts)
        #expect(eventually { numbers(exporter) == [0, 1] })
        #expect(exporter.status?.problem?.text == "it answers 400")
        exporter.take(record(), texts)
        #expect(eventually { numbers(exporter) == [1, 1] })
        exporter.stop()
        server.stop()
    }

    @Test func `the queue has a bound, and a stop does not wait for a server that is silent`() throws {
        let release = Locked(false)
        let server = try ScriptedServer { connection in
            connection.readHead()
            connection.waitForEnd()
            release.withLock { $0 = true }
        }
        let exporter = try exporter(to: server)
        for number in 1...(TraceExporter.queueMax + TraceExporter.batchMax + 100) {
            exporter.take(record(number), texts)
        }
        #expect(exporter.dropped.load(ordering: .relaxed) >= 100)
        #expect(exporter.status.map { $0.waiting <= TraceExporter.queueMax } == true)
        let start = monotonicNow()
        exporter.stop()
        #expect(monotonicNow() - start < 3 * second)
        server.stop()
    }

    @Test func `a stop sends what is left, and off keeps nothing`() throws {
        let collector = Collector()
        let server = try collector.server([taken])
        let last = try exporter(to: server)
        last.take(record(), texts)
        last.stop()
        #expect(numbers(last) == [1, 0])
        let off = try TraceExporter(version: "1")
        off.take(record(), texts)
        #expect(numbers(off) == [0, 1] && off.status == nil)
        off.stop()
        server.stop()
    }
}
