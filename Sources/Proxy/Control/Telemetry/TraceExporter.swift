import CLinux
import Glibc
import Synchronization

/// Sends spans to where `telemetry` says, on a thread of its own: OTLP over HTTP, in batches. What cannot be
/// sent in time is dropped and counted; nobody ever waits for it.
final class TraceExporter: Sendable {
    private struct Contents {
        var setting: TelemetrySetting?
        var spans: [[UInt8]] = []
        var isStarted = false
        var stops = false
        var problem: RecordWriter.Problem?
    }

    /// Spans that wait.
    static let queueMax = 2048
    /// Spans of one request, and how long the first of them waits for others.
    static let batchMax = 512
    static let gatherNanoseconds: UInt64 = 1_000_000_000
    /// How often a batch goes out at most.
    static let attemptsMax = 5
    static let connectMilliseconds = 2_000
    static let totalMilliseconds = 5_000
    /// How long a stop waits for the last spans to be sent.
    static let stopMilliseconds: Int32 = 1000

    private let version: String
    private let bell: Bell
    private let finished: Bell
    private let contents = Locked(Contents())
    /// Spans that were taken, and those that were lost.
    let exported = Atomic<UInt64>(0)
    let dropped = Atomic<UInt64>(0)
    private let complaints = LogGate()

    /// - Parameter version: of this program.
    init(version: String) throws(SystemError) {
        self.version = version
        bell = try Bell()
        finished = try Bell()
    }

    /// nil: off. The thread is made for the first that is not.
    func configure(_ setting: TelemetrySetting?) throws(SystemError) {
        let starts = contents.withLock { contents in
            contents.setting = setting
            defer { contents.isStarted = contents.isStarted || setting != nil }
            return setting != nil && !contents.isStarted
        }
        if starts { try ControlThread.start("hg-traces") { [self] in run() } }
    }

    var isOn: Bool { contents.withLock { $0.setting != nil } }

    var status: TelemetryStatus? {
        contents.withLock { contents in
            contents.setting.map { setting in
                TelemetryStatus(
                    url: setting.url, exported: exported.load(ordering: .relaxed),
                    dropped: dropped.load(ordering: .relaxed), waiting: contents.spans.count,
                    problem: contents.problem)
            }
        }
    }

    /// The spans of a record, where its trace is sampled. Never waits.
    func take<Text: Collection>(_ record: ExchangeRecord, _ texts: [Text]) where Text.Element == UInt8 {
        guard record.trace.isOn, record.trace.isSampled else { return }
        let spans = SpanFormat(record: record, texts: texts).spans
        let (isKept, rings) = contents.withLock { contents in
            let before = contents.spans.count
            guard contents.setting != nil, before + spans.count <= TraceExporter.queueMax else {
                return (false, false)
            }
            contents.spans += spans
            let isFull = before < TraceExporter.batchMax && contents.spans.count >= TraceExporter.batchMax
            return (true, before == 0 || isFull)
        }
        if !isKept { dropped.add(UInt64(spans.count), ordering: .relaxed) }
        if rings { bell.ring() }
    }

    /// Sends what is left, for at most a second.
    func stop() {
        let isRunning = contents.withLock { contents in
            contents.stops = true
            return contents.isStarted
        }
        guard isRunning else { return }
        bell.ring()
        var wanted = pollfd(fd: finished.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&wanted, 1, TraceExporter.stopMilliseconds) < 0, errno == EINTR {}
    }

    // MARK: - The thread

    private func run() {
        while true {
            let (waiting, stops) = look()
            if waiting > 0 {
                if !stops { gather() }
                send()
            } else if stops {
                return finished.ring()
            } else {
                wait(until: nil)
            }
        }
    }

    private func look() -> (waiting: Int, stops: Bool) {
        contents.withLock { ($0.spans.count, $0.stops) }
    }

    /// Until a batch is full, or its first span has waited long enough.
    private func gather() {
        let end = headgate_monotonic_ns() + TraceExporter.gatherNanoseconds
        while headgate_monotonic_ns() < end {
            let (waiting, stops) = look()
            if stops || waiting >= TraceExporter.batchMax { return }
            wait(until: end)
        }
    }

    private func send() {
        let (setting, batch) = contents.withLock { contents in
            let batch = Array(contents.spans.prefix(TraceExporter.batchMax))
            contents.spans.removeFirst(batch.count)
            return (contents.setting, batch)
        }
        guard let setting else { return drop(batch, "telemetry is off") }
        let body = OTLP.body(batch, service: setting.service, version: version)
        for attempt in 1...TraceExporter.attemptsMax {
            switch verdict(on: body, setting, attempt: attempt) {
            case .taken:
                exported.add(UInt64(batch.count), ordering: .relaxed)
                return
            case .refused(let reason): return drop(batch, reason)
            case .later(let pause, let reason):
                guard attempt < TraceExporter.attemptsMax, rest(pause) else { return drop(batch, reason) }
            }
        }
    }

    private func verdict(on body: [UInt8], _ setting: TelemetrySetting, attempt: Int) -> ExportVerdict {
        let isLast = look().stops
        var request = HTTPFetch.Request(url: setting.url)
        request.method = "POST"
        request.headerLines = Array("Content-Type: application/json\r\n".utf8) + setting.headerLines
        request.body = body
        request.connectTimeoutMilliseconds =
            isLast ? Int(TraceExporter.stopMilliseconds) : TraceExporter.connectMilliseconds
        request.totalTimeoutMilliseconds =
            isLast ? Int(TraceExporter.stopMilliseconds) : TraceExporter.totalMilliseconds
        do throws(HTTPFetch.Failure) {
            let response = try HTTPFetch.send(request)
            return ExportVerdict(
                status: response.status, retryAfter: response.retryAfter, attempt: attempt)
        } catch { return ExportVerdict(failure: error.description, attempt: attempt) }
    }

    /// - Returns: false: there is no time left for it.
    private func rest(_ pause: UInt64) -> Bool {
        let end = headgate_monotonic_ns() + pause
        while headgate_monotonic_ns() < end {
            if look().stops { return false }
            wait(until: end)
        }
        return true
    }

    private func drop(_ batch: [[UInt8]], _ reason: String) {
        dropped.add(UInt64(batch.count), ordering: .relaxed)
        contents.withLock { contents in
            contents.problem = RecordWriter.Problem(at: headgate_realtime_ns(), text: reason)
        }
        guard let heldBack = complaints.admit(now: headgate_monotonic_ns()) else { return }
        let more = heldBack == 0 ? "" : " (\(heldBack) more times since)"
        Log.warning("telemetry: \(reason); \(counted(batch.count, "span")) lost\(more)")
    }

    /// Until somebody rings, or it is time.
    private func wait(until end: UInt64?) {
        let now = headgate_monotonic_ns()
        let milliseconds = end.map { $0 <= now ? 0 : Int32(clamping: ($0 - now) / 1_000_000 + 1) } ?? -1
        var wanted = pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&wanted, 1, milliseconds)
        bell.silence()
    }
}

/// The part of `headgate status` about spans.
struct TelemetryStatus {
    let url: String
    let exported: UInt64
    let dropped: UInt64
    let waiting: Int
    let problem: RecordWriter.Problem?

    /// For people.
    var lines: [String] {
        let line = "telemetry   \(url), \(exported) spans sent, \(waiting) waiting, \(dropped) lost"
        guard let problem else { return [line] }
        return [line, "span error  \(Timestamp.text(problem.at)) \(problem.text)"]
    }

    func append(to json: inout JSONText) {
        json.object("telemetry") { json in
            json.string("url", url)
            json.number("exported", exported)
            json.number("dropped", dropped)
            json.number("waiting", waiting)
            guard let problem else { return json.null("last_error") }
            json.object("last_error") { json in
                json.string("when", Timestamp.text(problem.at))
                json.string("text", problem.text)
            }
        }
    }
}
