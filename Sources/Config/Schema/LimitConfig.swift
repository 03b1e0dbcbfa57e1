/// `limits.NAME`: how much.
public struct LimitConfig: Equatable, Sendable {
    public enum Subject: String, Equatable, Sendable, CaseIterable { case ip, key }
    public var name: String
    public var by: Subject
    /// Within any 60 seconds.
    public var requestsPerMinute: Int
}
