import CLinux
import Glibc
import Testing

@testable import Config
@testable import Proxy

// Covers JournalFormat.swift, RecordOutput.swift

/// Somebody who reads datagrams in the journal's place.
private final class Journal {
    let folder = TemporaryFolder()
    private var descriptor: Int32 = -1
    var path: String { folder.path + "/journal" }

    init() { open() }
    deinit { Glibc.close(descriptor) }

    func open() {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        #expect(headgate_bind_unix(descriptor, path) == 0)
    }

    func startAnew() {
        Glibc.close(descriptor)
        unlink(path)
        open()
    }

    func next() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : Array(buffer[..<count])
    }
}

private func texts(path: String = "/v1/x") -> [[UInt8]] {
    RecordText.allCases.map { text in
        switch text {
        case .requestID: Array("id-1".utf8)
        case .method: Array("GET".utf8)
        case .path: Array(path.utf8)
        case .caller: Array("web app".utf8)
        case .errorCode, .host, .listener, .route, .endpoint, .auth, .model, .upstream, .key, .limit,
            .limitNumber, .earlierPlaces:
            [UInt8]()
        }
    }
}

private func record() -> ExchangeRecord {
    var record = ExchangeRecord()
    record.status = 502
    record.fault = .upstream
    record.totalTime = 12_345_678
    record.isMetered = true
    record.outputTokens = 7
    return record
}

/// The fields of a datagram, as the journal reads them.
private func fields(_ datagram: [UInt8]) -> [String: String] {
    var (fields, rest) = ([String: String](), datagram[...])
    while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == UInt8(ascii: "=") }) {
        let name = String(decoding: rest[..<end], as: UTF8.self)
        if rest[end] == 0x0A {
            let size = rest[(end + 1)...].prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            fields[name] = String(decoding: rest[(end + 9)...].prefix(size), as: UTF8.self)
            rest = rest[(end + 9)...].dropFirst(size + 1)
        } else {
            let value = rest[(end + 1)...].prefix { $0 != 0x0A }
            fields[name] = String(decoding: value, as: UTF8.self)
            rest = rest[value.endIndex...].dropFirst()
        }
    }
    return fields
}

@Suite struct JournalLogTests {
    @Test func `a record is a datagram with a field for each part`() {
        let line = RecordFormat<[UInt8]>(format: .text, slowFrom: 10_000_000, redacted: [.caller])
        let found = fields(JournalFormat(line: line).datagram(record(), texts(path: "/a\nb=c")))
        #expect(found["MESSAGE"]?.contains(#""GET /a\x0ab=c" 502 12.345ms"#) == true, "\(found)")
        let wanted = [
            "PRIORITY": "4", "SYSLOG_IDENTIFIER": "headgate", "HEADGATE_REQUEST_ID": "id-1",
            "HEADGATE_METHOD": "GET", "HEADGATE_PATH": "/a\nb=c", "HEADGATE_CALLER": "-",
            "HEADGATE_CLIENT": "unix", "HEADGATE_STATUS": "502", "HEADGATE_FAULT": "upstream",
            "HEADGATE_OUTCOME": "complete", "HEADGATE_MS": "12", "HEADGATE_INPUT_TOKENS": "0",
            "HEADGATE_OUTPUT_TOKENS": "7", "HEADGATE_SLOW": "1", "HEADGATE_ATTEMPTS": "0",
        ]
        for (name, value) in wanted { #expect(found[name] == value, "\(name)") }
        #expect(found["HEADGATE_HOST"] == nil && found["HEADGATE_CODE"] == nil)
        var good = record()
        good.fault = .client
        #expect(fields(JournalFormat(line: line).datagram(good, texts()))["PRIORITY"] == "6")
    }

    @Test func `a journal that is started anew gets what comes then`() {
        let journal = Journal()
        let log = JournalLog(path: journal.path)
        #expect(log.send(Array("A=1\n".utf8)))
        #expect(journal.next() == Array("A=1\n".utf8))
        journal.startAnew()
        #expect(log.send(Array("A=2\n".utf8)))
        #expect(journal.next() == Array("A=2\n".utf8))
    }

    @Test func `one that does not keep up loses records, and holds nothing up for long`() {
        let journal = Journal()
        let log = JournalLog(path: journal.path)
        let start = monotonicNow()
        log.begin()
        var taken = 0
        while taken < 100_000, log.send(Array("A=\(taken)\n".utf8)) { taken += 1 }
        #expect(taken < 100_000 && log.problem == "journal: it does not keep up")
        for _ in 0..<100 { #expect(!log.send(Array("A=lost\n".utf8))) }
        #expect(monotonicNow() - start < 5 * second)
        #expect(journal.next() == Array("A=0\n".utf8))
        #expect(log.send(Array("A=again\n".utf8)))
    }

    @Test func `the writer counts what reached the journal and what did not`() throws {
        let journal = Journal()
        var output = RecordOutput(journalPath: journal.path)
        output.configure(.init(destination: .journal, format: .json), folder: "/")
        output.append(record(), texts())
        #expect(output.flush() == (1, 0))
        #expect(journal.next().map { fields($0)["HEADGATE_REQUEST_ID"] } == "id-1")
        var nowhere = RecordOutput(journalPath: journal.folder.path + "/none")
        nowhere.configure(.init(destination: .journal, format: .json), folder: "/")
        nowhere.append(record(), texts())
        #expect(nowhere.flush() == (0, 1))
        #expect(nowhere.problem == "journal: No such file or directory")
        var unlogged = record()
        unlogged.isLogged = false
        output.append(unlogged, texts())
        #expect(output.flush() == (0, 0), "it comes of a generation with `access_log: off`")
        output.configure(nil, folder: "/")
        output.append(record(), texts())
        #expect(output.flush() == (0, 0) && journal.next() == nil)
    }
}
