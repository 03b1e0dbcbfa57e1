import CLinux
import Glibc

/// One client connection of the mock upstream: its bytes and where its current answer stands.
///
///     reading ──request──▶ waiting ──delay over──▶ streaming ──last event──▶ reading
///        │                    └──────whole body──────────────────────────────▶ ▲
///        └──request cannot be read──▶ draining ──▶ closed
///
/// Decides what is to be sent and when; `MockLoop` owns the poll and the clock.
final class MockConnection {
    /// Unsent bytes above which a stream makes no more events until they are gone.
    static let outputBytesMax = 64 * 1024

    enum Phase {
        case reading
        case waiting(MockAnswer)
        case streaming(MockEvents, MockAnswer)
        /// Everything was said; what still comes is thrown away, so that the answer is not lost to a reset.
        case draining
        case closed
    }

    let id: UInt64
    let descriptor: Int32
    var phase = Phase.reading
    var input: [UInt8] = []
    private(set) var output: [UInt8] = []
    private var sentCount = 0
    var reader = MockRequestReader()
    /// When the loop calls `wake`, in monotonic nanoseconds.
    private(set) var wakeAtNanoseconds: UInt64?
    /// What epoll was last asked to watch.
    var watchedEvents: UInt32 = 0

    private var keepsAlive = true
    private var isHTTP10 = false
    private var isHeadRequest = false
    private var endsAfterOutput: End?
    private var answerCount = 0
    /// Of the answer that goes out: what was not counted yet.
    private var uncounted: MockUsage?

    private enum End {
        /// The end of the output, then what the client still sends.
        case drain
        /// Nothing more: a death on demand.
        case cut
    }

    init(id: UInt64, descriptor: Int32) {
        self.id = id
        self.descriptor = descriptor
    }

    /// Whether bytes from the client are welcome now.
    var wantsInput: Bool {
        switch phase {
        case .reading, .draining: true
        case .waiting, .streaming, .closed: false
        }
    }

    var hasOutput: Bool { sentCount < output.count }

    /// Whether closing now would leave an answer unfinished.
    var isAnswering: Bool {
        switch phase {
        case .waiting, .streaming: true
        case .reading: hasOutput
        case .draining, .closed: false
        }
    }

    // MARK: - Answering

    func sendContinue() { append("HTTP/1.1 100 Continue\r\n\r\n") }

    func begin(_ answer: MockAnswer, for request: MockRequest, now: UInt64) {
        keepsAlive = request.keepsAlive
        isHTTP10 = request.isHTTP10
        isHeadRequest = request.method == "HEAD"
        phase = .waiting(answer)
        if answer.delayMilliseconds > 0 {
            wake(inMilliseconds: answer.delayMilliseconds, now: now)
        } else {
            start(answer, now: now)
        }
    }

    /// Answers a request that cannot be read; the connection ends with it.
    func refuse(_ error: MockRequestError) {
        keepsAlive = false
        isHTTP10 = false
        send(.error(error.status, error.message), body: true)
        endsAfterOutput = .drain
    }

    /// The time of `wakeAtNanoseconds` has come.
    func wake(now: UInt64) {
        wakeAtNanoseconds = nil
        switch phase {
        case .waiting(let answer): start(answer, now: now)
        case .streaming: makeEvents(now: now)
        case .draining: phase = .closed
        case .reading, .closed: break
        }
    }

    private func start(_ answer: MockAnswer, now: UInt64) {
        if answer.death == .head || answer.death == .reset {
            if answer.death == .reset { resetAtClose() }
            phase = .closed
            return
        }
        uncounted = answer.usage
        if case .events(let events) = answer.body {
            if isHTTP10 { keepsAlive = false }
            sendHead(answer)
            phase = .streaming(events, answer)
            makeEvents(now: now)
        } else {
            send(answer, body: !isHeadRequest)
            finish()
        }
    }

    private func resetAtClose() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    private func sendHead(_ answer: MockAnswer) {
        answerCount += 1
        append(
            answer.head(requestID: "mock-\(id)-\(answerCount)", keepsAlive: keepsAlive, isHTTP10: isHTTP10))
    }

    private func send(_ answer: MockAnswer, body: Bool) {
        sendHead(answer)
        guard body, case .whole(_, let bytes) = answer.body else { return }
        switch answer.death {
        case nil: output += bytes
        case .head, .reset, .middle: cut(bytes.prefix(bytes.count / 2))
        case .after(let count): cut(bytes.prefix(count))
        }
    }

    private func cut(_ bytes: ArraySlice<UInt8>) {
        output += bytes
        endsAfterOutput = .cut
    }

    /// Tokens that went out since the last call, where there is anything to tell.
    func takeUsage() -> MockUsage? {
        guard let usage = uncounted, usage.isFirst || usage.outputTokens > 0 else { return nil }
        uncounted?.isFirst = false
        uncounted?.inputTokens = 0
        uncounted?.outputTokens = 0
        return usage
    }

    /// Sends events until a pause is due, the client is slow, or the stream has ended.
    func makeEvents(now: UInt64) {
        guard case .streaming(var events, let answer) = phase, wakeAtNanoseconds == nil else { return }
        while output.count - sentCount < Self.outputBytesMax {
            if let death = answer.death, events.isDue(death) {
                endsAfterOutput = .cut
                phase = .reading
                return
            }
            let piecesMade = events.piecesMade
            guard let event = events.next() else {
                if !isHTTP10 { append("0\r\n\r\n") }
                finish()
                return
            }
            uncounted?.outputTokens += events.piecesMade - piecesMade
            append(isHTTP10 ? event : "\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n")
            if events.pausesNext, events.delayMilliseconds > 0 {
                wake(inMilliseconds: events.delayMilliseconds, now: now)
                break
            }
        }
        phase = .streaming(events, answer)
    }

    /// Whether events stopped only because of unsent bytes, which are gone now.
    var hasMoreEvents: Bool {
        guard case .streaming = phase else { return false }
        return wakeAtNanoseconds == nil && !hasOutput
    }

    private func finish() {
        phase = .reading
        if !keepsAlive, endsAfterOutput == nil { endsAfterOutput = .drain }
    }

    /// Whether the next request may be looked for.
    var readsNext: Bool {
        guard case .reading = phase else { return false }
        return endsAfterOutput == nil
    }

    private func wake(inMilliseconds milliseconds: Int, now: UInt64) {
        wakeAtNanoseconds = now + UInt64(milliseconds) * 1_000_000
    }

    private func append(_ text: String) { output += text.utf8 }

    // MARK: - Bytes

    /// Sends what the socket takes. False: the client is gone.
    func flush(now: UInt64) -> Bool {
        while hasOutput {
            let count = output.withUnsafeBytes { bytes in
                Glibc.send(
                    descriptor, bytes.baseAddress! + sentCount, bytes.count - sentCount, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN
            }
            sentCount += count
        }
        output.removeAll(keepingCapacity: output.capacity <= 4096)
        sentCount = 0
        switch endsAfterOutput {
        case nil: break
        case .cut: phase = .closed
        case .drain:
            endsAfterOutput = nil
            phase = .draining
            _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
            wake(inMilliseconds: 1000, now: now)
        }
        return true
    }
}
