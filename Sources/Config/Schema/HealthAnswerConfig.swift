/// `action: health`: what the answer tells.
public struct HealthAnswerConfig: Equatable, Sendable {
    /// Members of the answer, of `fieldNames`, in this order. Default `status` alone.
    public var fields: [String]
    /// `status` where all is well. Default `healthy`; else it is `HealthAnswerConfig.failed`.
    public var ok: String

    public static let fieldNames = ["status", "database", "timestamp"]
    public static let failed = "unhealthy"
}

extension HealthAnswerConfig {
    init(_ node: MappingReader) {
        let names = HealthAnswerConfig.fieldNames.map { ($0, $0) }
        fields = node.value(
            "fields", .distinct(.list(.word(names), nonEmpty: true)), default: ["status"],
            "Members of the answer, in this order.")
        ok = node.value("ok", .claimText, default: "healthy", "`status` where all is well.")
        if ok == HealthAnswerConfig.failed {
            node.fail("ok", "`ok` is the word for what is not well\(node.path.inside)")
        }
    }
}
