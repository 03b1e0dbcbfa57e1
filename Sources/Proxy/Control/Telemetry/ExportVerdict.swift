/// What an answer to an export means for the spans in it (opentelemetry.io, "OTLP/HTTP Response").
enum ExportVerdict: Equatable {
    case taken
    /// Never: they are lost.
    case refused(String)
    /// They may go once more, in so many nanoseconds.
    case later(after: UInt64, String)

    static let firstPause: UInt64 = 1_000_000_000
    /// A server may say more than our own pauses grow to, but not that we should wait for ever.
    static let pauseMax: UInt64 = 30_000_000_000

    /// - Parameter attempt: how often they have gone out, at least 1.
    init(status: UInt16, retryAfter: UInt64?, attempt: Int) {
        switch status {
        case 200..<300: self = .taken
        case 429, 502, 503, 504:
            let pause = retryAfter ?? ExportVerdict.pause(attempt)
            self = .later(after: min(pause, ExportVerdict.pauseMax), "it answers \(status)")
        case _: self = .refused("it answers \(status)")
        }
    }

    /// There was no answer.
    init(failure: String, attempt: Int) { self = .later(after: ExportVerdict.pause(attempt), failure) }

    /// Twice as long each time.
    private static func pause(_ attempt: Int) -> UInt64 {
        min(pauseMax, firstPause << UInt64(min(max(0, attempt - 1), 10)))
    }
}
