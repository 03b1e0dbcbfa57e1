/// One entry of `limits:`, compiled.
final class RateLimit: Sendable {
    /// Who shares one count.
    enum Subject: Sendable {
        /// The client's address; IPv6 by /64.
        case ip
        /// The caller's credential, or the address where there is none.
        case key
    }

    /// The key in the file.
    let name: String
    let subject: Subject
    /// Admitted within any `windowNanoseconds`.
    let requestsMax: Int
    let windowNanoseconds: UInt64
    /// Outlives generations: a reload never refills.
    let windows: RequestWindows

    init(
        name: String, subject: Subject, requestsMax: Int, windowNanoseconds: UInt64, windows: RequestWindows
    ) {
        self.name = name
        self.subject = subject
        self.requestsMax = requestsMax
        self.windowNanoseconds = windowNanoseconds
        self.windows = windows
    }
}
