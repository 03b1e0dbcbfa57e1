/// The answer to a request of control's own, as its octets come in: interim answers are passed over, the
/// transfer coding is taken off (RFC 9112 §6, §7.1).
struct FetchAnswer {
    enum Progress: Equatable {
        case incomplete
        case complete
        case failed(String)
    }

    /// Most octets of one head, and most interim answers before the final one.
    static let headBytesMax = 64 << 10
    static let interimMax = 8

    private let toHead: Bool
    private let bodyMax: Int
    private(set) var status: UInt16 = 0
    private(set) var body: [UInt8] = []
    /// Nanoseconds from its arrival, as `Retry-After` says; nil: it does not.
    private(set) var retryAfter: UInt64?
    private var pending: [UInt8] = []
    private var state = State.head
    private var interimCount = 0
    private var chunks = ChunkedDecoder()

    private enum State: Equatable {
        case head
        case body(BodyFraming)
        case trailers
    }

    /// The head of the final answer is there.
    var hasHead: Bool { status != 0 }

    init(toHead: Bool, bodyMax: Int) {
        self.toHead = toHead
        self.bodyMax = bodyMax
    }

    mutating func take(_ bytes: some Collection<UInt8>) -> Progress {
        pending += bytes
        while true {
            switch state {
            case .head:
                switch parseHead() {
                case .success(nil): return .incomplete
                case .success(let head?):
                    if let failure = take(head) { return failure }
                case .failure(let error): return .failed("its head is not valid HTTP/1.1 (\(error))")
                }
            case .body(let framing):
                if let progress = takeBody(framing) { return progress }
            case .trailers: return takeTrailers()
            }
        }
    }

    /// The other side has closed its half.
    func end() -> Progress {
        state == .body(.untilClose) ? .complete : .failed("it ended before it was complete")
    }

    private mutating func parseHead() -> Result<ResponseHead?, HeadError> {
        let fields = FieldTable()
        defer { fields.deallocate() }
        let limits = HeadLimits(maxBytes: FetchAnswer.headBytesMax, maxFields: FieldTable.capacity)
        var found: UInt64?
        defer { retryAfter = found }
        return pending.withUnsafeBytes { bytes in
            do throws(HeadError) {
                let head = try HeadParser.parseResponse(
                    bytes, toHead: toHead, limits: limits, fields: fields)
                if let head { found = RetryAfter.find(fields, head, bytes) }
                return .success(head)
            } catch { return .failure(error) }
        }
    }

    private mutating func take(_ head: ResponseHead) -> Progress? {
        pending.removeFirst(head.byteCount)
        guard head.status >= 200 else {
            interimCount += 1
            guard head.status != 101, interimCount <= FetchAnswer.interimMax else {
                return .failed("it is not the answer that was asked for (status \(head.status))")
            }
            return nil
        }
        status = head.status
        if case .length(let length) = head.framing, length > UInt64(bodyMax) { return tooLarge }
        state = .body(head.framing)
        return nil
    }

    /// - Returns: nil: go on with the next state.
    private mutating func takeBody(_ framing: BodyFraming) -> Progress? {
        switch framing {
        case .none: return .complete
        case .length(let length):
            let count = min(pending.count, Int(length) - body.count)
            body += pending[..<count]
            pending.removeFirst(count)
            return body.count == Int(length) ? .complete : .incomplete
        case .untilClose:
            body += pending
            pending = []
            return body.count > bodyMax ? tooLarge : .incomplete
        case .chunked:
            let result = pending.withUnsafeMutableBytes { chunks.decode($0, output: .data) }
            body += pending[..<result.forwarded]
            pending.removeFirst(result.consumed)
            guard body.count <= bodyMax else { return tooLarge }
            switch result.progress {
            case .more: return .incomplete
            case .invalid: return .failed("its chunks are not valid")
            case .trailers:
                state = .trailers
                return nil
            }
        }
    }

    /// Trailers are read to their end and dropped.
    private func takeTrailers() -> Progress {
        let fields = FieldTable()
        defer { fields.deallocate() }
        let limits = HeadLimits(maxBytes: FetchAnswer.headBytesMax, maxFields: FieldTable.capacity)
        return pending.withUnsafeBytes { bytes in
            do throws(HeadError) {
                let trailers = try HeadParser.parseTrailers(bytes, limits: limits, fields: fields)
                return trailers == nil ? .incomplete : .complete
            } catch { return .failed("its trailers are not valid (\(error))") }
        }
    }

    private var tooLarge: Progress { .failed("its body is larger than \(bodyMax) bytes") }
}
