/// `access_log`: where the records of exchanges go.
public struct AccessLogConfig: Equatable, Sendable {
    public enum Destination: Equatable, Sendable {
        case stdout
        /// Relative to the config file's folder. Reopened when it is rotated away.
        case file(String)
    }
    public enum Format: String, Equatable, Sendable, CaseIterable { case json, text }
    public var destination: Destination
    public var format: Format
}

extension AccessLogConfig {
    init(_ node: MappingReader) {
        destination = node.value(
            "to", .logDestination, default: "stdout",
            "`stdout`, or a path (with a `/`), relative to this file's folder.")
        format = node.value(
            "format", .word(Format.allCases.map { ($0.rawValue, $0) }), default: "json",
            "`json`: one object per line.")
    }
}

extension Form where Value == AccessLogConfig.Destination {
    static var logDestination: Form {
        // Why a path needs a `/`: else `stdot` would quietly be a file.
        let wanted = "`stdout` or a path with a `/`"
        return .scalar(wanted, schema: .string(pattern: "^(stdout|.*/.*)$"), standIn: .stdout) {
            (scalar) throws(Mismatch) in
            if scalar.text == "stdout" { return .stdout }
            guard scalar.text.utf8.contains(UInt8(ascii: "/")), !scalar.text.hasSuffix("/"),
                !scalar.text.utf8.contains(0)
            else {
                let word = Suggestion.hint(for: scalar.text, among: ["stdout", "off"])
                throw Mismatch(
                    text: "must be \(wanted)",
                    hint: word ?? "write `./\(Quoting.escaped(scalar.text))` for a file")
            }
            return .file(scalar.text)
        }
    }
}
