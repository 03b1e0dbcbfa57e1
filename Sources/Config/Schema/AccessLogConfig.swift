/// `access_log`: where the records of exchanges go, and which of them.
public struct AccessLogConfig: Equatable, Sendable {
    public enum Destination: Equatable, Sendable {
        case stdout
        /// Relative to where `relative_to` says. Reopened when it is rotated away.
        case file(String)
        /// systemd's, with a field for each part of the record.
        case journal
    }
    public enum Format: String, Equatable, Sendable, CaseIterable { case json, text }
    /// What may be left out of a record.
    public enum Field: String, Equatable, Sendable, CaseIterable { case path, client, caller, host }
    public var destination: Destination
    public var format: Format
    /// Of ordinary successes, 0 to 100. Default 100.
    public var samplePercent = 100
    /// From so long on an exchange is slow; nil: none is (`off`, the default).
    public var slow: Duration?
    /// In the order of `Field`. Default none.
    public var redacted: [Field] = []
}

extension AccessLogConfig {
    init(_ node: MappingReader) {
        destination = node.value(
            "to", .logDestination, default: "stdout",
            "`stdout`, `journal` (systemd's), or a path (with a `/`).")
        format = node.value(
            "format", .word(Format.allCases.map { ($0.rawValue, $0) }), default: "json",
            "`json`: one object per line.")
        samplePercent = node.value(
            "sample", .percent, default: "100%",
            "Share of ordinary successes that is kept, by their request ids; errors and slow ones all are.")
        slow = node.value(
            "slow", .orOff(.duration), default: "off",
            "From so long on an exchange is marked `slow`, and kept whatever `sample` says.")
        let fields =
            node.optional(
                "redact", .distinct(.oneOrList(.word(Field.allCases.map { ($0.rawValue, $0) }))),
                "What is replaced by `-`: `path`, `client` (the address), `caller`, `host`; one, or a list.")
            ?? []
        redacted = Field.allCases.filter(fields.contains)
        guard destination == .journal, node.has("format"), node.isSound("to") else { return }
        node.fail(
            "format", "`format` has no effect\(node.path.inside): the journal has fields",
            hint: "remove it")
    }
}

extension Form where Value == AccessLogConfig.Destination {
    static var logDestination: Form {
        // Why a path needs a `/`: else `stdot` would quietly be a file.
        let wanted = "`stdout`, `journal` or a path with a `/`"
        let words: [(String, AccessLogConfig.Destination)] = [("stdout", .stdout), ("journal", .journal)]
        return .scalar(wanted, schema: .string(pattern: "^(stdout|journal|.*/.*)$"), standIn: .stdout) {
            (scalar) throws(Mismatch) in
            if let word = words.first(where: { $0.0 == scalar.text }) { return word.1 }
            guard scalar.text.utf8.contains(UInt8(ascii: "/")), !scalar.text.hasSuffix("/"),
                !scalar.text.utf8.contains(0)
            else {
                let word = Suggestion.hint(for: scalar.text, among: words.map(\.0) + ["off"])
                throw Mismatch(
                    text: "must be \(wanted)",
                    hint: word ?? "write `./\(Quoting.escaped(scalar.text))` for a file")
            }
            return .file(scalar.text)
        }
    }
}
