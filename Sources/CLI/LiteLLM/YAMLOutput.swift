/// Values on their way into a config file, and how they are written: quoted wherever a reader could take
/// them for anything else.
indirect enum YAMLOutput: Equatable {
    /// A `$` in it stands for itself.
    case text(String)
    /// A text in which `${NAME}` is replaced from the environment.
    case expanded(String)
    /// A number, or a word of ours.
    case word(String)
    case list([YAMLOutput])
    /// In this order.
    case mapping([Member])

    struct Member: Equatable {
        let key: String
        let value: YAMLOutput

        init(_ key: String, _ value: YAMLOutput) {
            self.key = key
            self.value = value
        }
    }

    private static let columnsMax = 110

    /// A whole file: each member a section, its members and items a line each where they fit.
    static func document(_ sections: [Member]) -> String {
        sections.map { section in
            let head = quoted(section.key, isKey: true) + ":"
            switch section.value {
            case .mapping(let members) where section.key != "env_file":
                return ([head] + members.flatMap { lines($0, indent: 2) }).joined(separator: "\n")
            case .list(let items):
                return ([head] + items.map { "  - " + flow($0) }).joined(separator: "\n")
            case .text, .expanded, .word, .mapping: return head + " " + flow(section.value)
            }
        }.joined(separator: "\n\n") + "\n"
    }

    private static func lines(_ member: Member, indent: Int) -> [String] {
        let blanks = String(repeating: " ", count: indent)
        let head = blanks + quoted(member.key, isKey: true) + ":"
        let line = head + " " + flow(member.value)
        guard line.count > columnsMax else { return [line] }
        switch member.value {
        case .mapping(let members): return [head] + members.flatMap { lines($0, indent: indent + 2) }
        case .list(let items): return [head] + items.map { blanks + "  - " + flow($0) }
        case .text, .expanded, .word: return [line]
        }
    }

    private static func flow(_ value: YAMLOutput) -> String {
        switch value {
        case .text(let text): quoted(text.replacing("$", with: "$$"))
        case .expanded(let text): quoted(text)
        case .word(let word): word
        case .list(let items): "[" + items.map(flow).joined(separator: ", ") + "]"
        case .mapping(let members):
            members.isEmpty
                ? "{}"
                : "{ "
                    + members.map { quoted($0.key, isKey: true) + ": " + flow($0.value) }.joined(
                        separator: ", ") + " }"
        }
    }

    /// What YAML or a person would read as something else than this text.
    private static let reserved: Set<String> = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan",
    ]

    /// - Parameter isKey: whatever word it is, it is read as text.
    private static func quoted(_ text: String, isKey: Bool = false) -> String {
        let marks = "_-./*"
        let isPlain =
            text.unicodeScalars.first.map { isLetter($0) || $0 == "/" } ?? false
            && text.unicodeScalars.allSatisfy {
                isLetter($0) || isDigit($0) || marks.unicodeScalars.contains($0)
            }
            && (isKey || !reserved.contains(text.lowercased()))
        guard !isPlain else { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + (digits.count == 1 ? "0" : "") + digits
            // Why: line ends of YAML, and what turns the text round.
            case "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            case _: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}
