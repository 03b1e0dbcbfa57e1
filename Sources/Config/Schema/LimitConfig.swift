/// `limits.NAME`: how much.
public struct LimitConfig: Equatable, Sendable {
    public enum Subject: String, Equatable, Sendable, CaseIterable { case ip, key }
    public var name: String
    /// A limit by key gives way to the caller's own, where it has one.
    public var by: Subject
    /// Within any 60 seconds; 1 to 10,000.
    public var requestsPerMinute: Int
}

extension LimitConfig {
    static let perMinute = 1...10_000

    init(_ node: MappingReader) {
        name = node.name
        by = node.required(
            "by", .word,
            "Who shares one count: `ip`, the client's address (IPv6 by /64), or `key`, the caller, if it has no limit of its own."
        )
        requestsPerMinute = node.required(
            "requests_per_minute", .integer(Self.perMinute), "Requests admitted within any 60 seconds.")
    }
}
