/// A file of `NAME=value` lines, as shells, Docker and systemd write them.
///
/// Accepted: blank lines, `#` comments on a line of their own or after a blank, `export ` in front, values
/// bare, in 'single quotes' (verbatim) or in "double quotes" (`\n`, `\t`, `\r`, `\"`, `\\`, `\$`). A value
/// ends with its line.
public struct EnvironmentFile: Equatable, Sendable {
    public struct Problem: Equatable, Sendable {
        /// 1-based.
        public let line: Int
        /// Goes on after "the line": `has no closing quote`.
        public let message: String
    }

    /// Later lines win over earlier ones of the same name.
    public private(set) var values: [String: String] = [:]
    public private(set) var problems: [Problem] = []

    /// The file as secrets see it: never larger than this.
    public static let limitBytes = 1 << 20

    public init(_ bytes: [UInt8]) {
        var content = bytes[...]
        if content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
        var number = 0
        for line in content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            read(line.last == UInt8(ascii: "\r") ? line.dropLast() : line, number)
        }
    }

    private mutating func read(_ line: ArraySlice<UInt8>, _ number: Int) {
        guard let text = String(validating: line, as: UTF8.self), !text.contains("\0") else {
            return report(number, "is not valid UTF-8")
        }
        var rest = Substring(text).trimmingBlanks()
        guard let first = rest.first, first != "#" else { return }
        if rest.hasPrefix("export "), !rest.hasPrefix("export =") {
            rest = rest.dropFirst("export ".count).trimmingBlanks()
        }
        guard let equals = rest.firstIndex(of: "=") else {
            return report(number, "has no `=`: write NAME=value")
        }
        let name = rest[..<equals].trimmingBlanks()
        guard EnvironmentFile.isName(name) else {
            return report(
                number, "has a name before `=` that is not of letters, digits and `_`, no digit first")
        }
        // Why: messages never quote the value, which is likely to be a secret.
        switch EnvironmentFile.value(of: rest[rest.index(after: equals)...].trimmingBlanks()) {
        case .success(let value): values[String(name)] = value
        case .failure(let failure): report(number, failure.message)
        }
    }

    private mutating func report(_ line: Int, _ message: String) {
        problems.append(Problem(line: line, message: message))
    }

    static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private struct ValueFailure: Error { let message: String }

    private static func value(of text: Substring) -> Result<String, ValueFailure> {
        guard let quote = text.first, quote == "\"" || quote == "'" else { return .success(bareValue(text)) }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                let after = rest.trimmingBlanks()
                guard after.isEmpty || after.first == "#" else {
                    return .failure(ValueFailure(message: "has text after the closing quote"))
                }
                return .success(value)
            }
            if character == "\\", quote == "\"", let escaped = rest.popFirst() {
                value += unescaped(escaped)
            } else {
                value.append(character)
            }
        }
        return .failure(ValueFailure(message: "has no closing quote"))
    }

    private static func bareValue(_ text: Substring) -> String {
        var previous: Character = " "
        for index in text.indices {
            if text[index] == "#", previous == " " || previous == "\t" {
                return String(text[..<index].trimmingBlanks())
            }
            previous = text[index]
        }
        return String(text)
    }

    private static func unescaped(_ character: Character) -> String {
        switch character {
        case "n": "\n"
        case "t": "\t"
        case "r": "\r"
        case "\"", "\\", "$": String(character)
        default: "\\" + String(character)
        }
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
