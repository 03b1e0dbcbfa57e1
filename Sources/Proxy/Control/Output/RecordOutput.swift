import Config

/// The lines that wait for the next write, and where they go.
struct RecordOutput {
    private enum Sink {
        case nowhere
        case file(LogFile)
        case journal(JournalLog)
    }

    private(set) var bytes: [UInt8] = []
    private let journalPath: String
    private var sink = Sink.nowhere
    private var config: AccessLogConfig?
    private var filter: RecordFilter?
    private var json = JSONText()
    /// Of lines in `bytes`; of records that the journal has taken, and those that it has not.
    private var count = 0
    private var sent = 0
    private var refused = 0

    init(journalPath: String = JournalLog.path) { self.journalPath = journalPath }

    /// Why the last record that was lost was.
    var problem: String? {
        switch sink {
        case .nowhere: nil
        case .file(let file): file.problem
        case .journal(let journal): journal.problem
        }
    }

    mutating func configure(_ config: AccessLogConfig?, folder: String) {
        let isElsewhere = self.config?.destination != config?.destination
        self.config = config
        filter = config.map { RecordFilter($0) }
        guard isElsewhere else { return }
        switch config?.destination {
        case nil: sink = .nowhere
        case .journal?: sink = .journal(JournalLog(path: journalPath))
        case .stdout?: sink = .file(LogFile(path: nil, in: folder))
        case .file(let path)?: sink = .file(LogFile(path: path, in: folder))
        }
    }

    /// The file was moved away.
    func reopen() { if case .file(let file) = sink { file.reopen() } }

    /// Whether `append` may have a use for it.
    func mayKeep(_ record: ExchangeRecord) -> Bool { record.isLogged && config != nil }

    /// Records of exchanges that began before `access_log: off` have no place to go any more.
    mutating func append<Text: Collection>(_ record: ExchangeRecord, _ texts: [Text])
    where Text.Element == UInt8 {
        guard record.isLogged, let config, let filter,
            filter.keeps(record, requestID: texts[RecordText.requestID.rawValue])
        else { return }
        var format = RecordFormat<Text>(
            format: config.format, slowFrom: filter.slowFrom, redacted: config.redacted)
        switch sink {
        case .nowhere: break
        case .file:
            format.append(record, texts, to: &json, text: &bytes)
            count += 1
        case .journal(let journal):
            format.format = .text
            let datagram = JournalFormat(line: format).datagram(record, texts)
            if journal.send(datagram) { sent += 1 } else { refused += 1 }
        }
    }

    /// - Returns: how many records have reached the log since the last time, and how many were lost.
    mutating func flush() -> (written: Int, lost: Int) {
        defer {
            bytes.removeAll(keepingCapacity: true)
            (count, sent, refused) = (0, 0, 0)
        }
        switch sink {
        case .nowhere: return (0, 0)
        case .file(let file):
            guard count > 0 else { return (0, 0) }
            return file.write(bytes) ? (count, 0) : (0, count)
        case .journal(let journal):
            journal.begin()
            return (sent, refused)
        }
    }
}
