/// Control's own outbound requests: one at a time per call, by the wire parsers and TLS of the engine. Blocks:
/// for threads of control only.
struct HTTPFetch: Sendable {
    struct Request: Sendable {
        var url: String
        var method = "GET"
        /// Whole lines, `Name: value\r\n`.
        var headerLines: [UInt8] = []
        var body: [UInt8] = []
        /// PEM of trusted authorities; nil: the system's.
        var authorities: [UInt8]?
        var connectTimeoutMilliseconds = 5_000
        var totalTimeoutMilliseconds = 10_000
        var bodyMax = 1 << 20
    }
    struct Response: Sendable {
        var status: UInt16
        var body: [UInt8]
    }
    /// What happened, for people; holds no header and no body.
    struct Failure: Error, Sendable, CustomStringConvertible {
        let description: String
    }

    static func send(_ request: Request) throws(Failure) -> Response { fatalError("not yet") }
}
