extension Form where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Form {
        let wanted = "an integer from \(range.lowerBound) to \(range.upperBound)"
        return .scalar(wanted, schema: .integer(range), standIn: range.lowerBound) {
            (scalar) throws(Mismatch) in
            guard case .integer(let digits) = scalar.core, let value = Int(digits), range.contains(value)
            else {
                let isQuoted = !scalar.isPlain && Int(scalar.text) != nil
                throw Mismatch(text: "must be \(wanted)", hint: isQuoted ? "remove the quotes" : nil)
            }
            return value
        }
    }
}

extension Form where Value == Int {
    /// One number of a few.
    static func number(of choices: [Int]) -> Form {
        let wanted = choices.map { "`\($0)`" }.joined(separator: " or ")
        let schema = Schema([("enum", .array(choices.map { .integer($0) }))])
        return .scalar(wanted, schema: schema, standIn: choices[0]) { (scalar) throws(Mismatch) in
            guard case .integer(let digits) = scalar.core, let value = Int(digits), choices.contains(value)
            else { throw Mismatch(text: "must be \(wanted)") }
            return value
        }
    }
}

extension Form where Value == Bool {
    static var bool: Form {
        .scalar("`true` or `false`", schema: .boolean, standIn: false) { (scalar) throws(Mismatch) in
            if case .bool(let value) = scalar.core { return value }
            let meant = ["yes": "true", "on": "true", "no": "false", "off": "false"][
                ASCII.lowercased(scalar.text)]
            let hint =
                meant.map { "write `\($0)`" }
                ?? (scalar.text == "true" || scalar.text == "false" ? "remove the quotes" : nil)
            throw Mismatch(text: "must be `true` or `false`", hint: hint)
        }
    }
}

extension Form where Value == String {
    /// Text as it is. A number or `true` must be quoted, so that nobody wonders what `1.10` becomes.
    static var text: Form {
        .scalar("text", schema: .string, standIn: "") { (scalar) throws(Mismatch) in
            try plainText(scalar, "text")
        }
    }

    /// Text with a grammar of its own. `parse` gives nil for what does not fit `wanted`.
    static func text(
        _ wanted: String, pattern: String? = nil, parse: @escaping (String) throws(Mismatch) -> String?
    ) -> Form {
        let schema = pattern.map { Schema.string(pattern: $0) } ?? .string
        return .scalar(wanted, schema: schema, standIn: "") { (scalar) throws(Mismatch) in
            let text = try plainText(scalar, wanted)
            guard let value = try parse(text) else { throw Mismatch(text: "must be \(wanted)") }
            return value
        }
    }

    /// A reference to a named entry; whether it is defined is checked once all are known.
    static var name: Form {
        .scalar("a name", schema: .string, standIn: "") { (scalar) throws(Mismatch) in
            guard !scalar.text.isEmpty, scalar.core != .null else { throw Mismatch(text: "must be a name") }
            return scalar.text
        }
    }

    /// A path of the file system.
    static var filePath: Form {
        text("a path", pattern: "^.") { (text) in
            text.isEmpty || text.utf8.contains(0) ? nil : text
        }
    }

    private static func plainText(_ scalar: Scalar, _ wanted: String) throws(Mismatch) -> String {
        switch scalar.core {
        case .text: return scalar.text
        case .null: throw Mismatch(text: "must be \(wanted)")
        case .bool, .integer, .float, .unrepresentable:
            throw Mismatch(text: "must be \(wanted)", hint: "quote it if it is text")
        }
    }
}

extension Form where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One word of an enumeration.
    static var word: Form { .word(Value.allCases.map { ($0.rawValue, $0) }) }
}

extension Form {
    /// One word of a closed set.
    static func word(_ words: [(String, Value)]) -> Form {
        let wanted = words.map { "`\($0.0)`" }.joined(separator: " or ")
        return .scalar(wanted, schema: .oneOf(words: words.map(\.0)), standIn: words[0].1) {
            (scalar) throws(Mismatch) in
            if let match = words.first(where: { $0.0 == scalar.text }) { return match.1 }
            throw Mismatch(
                text: "must be \(wanted)", hint: Suggestion.hint(for: scalar.text, among: words.map(\.0)))
        }
    }
}
