/// `${NAME}`, `${NAME:-default}` and `$$` inside one scalar, after parsing: a value can never become YAML.
///
/// The default stands for a variable that is unset or empty, as in a shell, and may have references of its
/// own, up to eight in each other: `${PUBLIC_PORT:-${PORT:-8000}}`. Otherwise it cannot hold a `}`. A `$`
/// before anything else stands for itself.
struct Expansion: Equatable {
    var text: String
    /// A variable's value (or default) is in `text`, which therefore must not be printed.
    var usedVariable: Bool

    /// References within the default of each other.
    static let nestingMax = 8

    struct Problem: Error, Equatable {
        let message: String
        let hint: String?
    }

    static func expand(_ text: String, environment: (String) -> String?) throws(Problem) -> Expansion {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return Expansion(text: text, usedVariable: false) }
        var result = Expansion(text: "", usedVariable: false)
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "$", rest.first == "$" {
                rest.removeFirst()
                result.text.unicodeScalars.append("$")
            } else if scalar == "$", rest.first == "{" {
                guard let end = closing(rest) else {
                    throw Problem(
                        message: "`${` has no `}`", hint: "write `$${` for the characters themselves")
                }
                result.text += try value(of: String(rest[..<end].dropFirst()), environment)
                result.usedVariable = true
                rest = rest[rest.index(after: end)...]
            } else {
                result.text.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Where the reference ends whose `{` comes first: the braces of those in its default are passed over.
    private static func closing(_ text: Substring.UnicodeScalarView) -> String.Index? {
        var depth = 0
        var before: Unicode.Scalar = "$"
        for index in text.indices {
            let scalar = text[index]
            if scalar == "{", before == "$" {
                depth += 1
                guard depth <= nestingMax else { return nil }
            }
            if scalar == "}" {
                depth -= 1
                if depth == 0 { return index }
            }
            before = scalar
        }
        return nil
    }

    private static func value(of reference: String, _ environment: (String) -> String?) throws(Problem)
        -> String
    {
        let scalars = reference.unicodeScalars
        let name = String(scalars.prefix { $0 != ":" })
        let tail = scalars.dropFirst(name.unicodeScalars.count)
        guard isName(name), tail.isEmpty || tail.dropFirst().first == "-" else {
            throw Problem(
                // Why not what it is: a secret that was pasted between the braces has no valid name either.
                message: "what stands in `${…}` is not `NAME` or `NAME:-default`",
                hint: "write `$${` for the characters themselves")
        }
        let found = environment(name)
        if tail.isEmpty {
            guard let found else {
                throw Problem(
                    message: "environment variable `\(name)` is not set",
                    hint: "set it, or write `${\(name):-default}`")
            }
            return found
        }
        if let found, !found.isEmpty { return found }
        return try expand(String(tail.dropFirst(2)), environment: environment).text
    }

    /// Variables that the text takes values from.
    static func names(in text: String) -> [String] {
        var names: [String] = []
        do throws(Problem) {
            _ = try withoutActuallyEscaping({ (name: String) -> String? in
                names.append(name)
                return ""
            }) { look throws(Problem) in try expand(text, environment: look) }
        } catch { return [] }
        return names
    }

    /// Whether it is wrong whatever the environment holds.
    static func isMalformed(_ text: String) -> Bool {
        do throws(Problem) { _ = try expand(text) { _ in "" } } catch { return true }
        return false
    }

    /// IEEE 1003.1 §8.1, lower-case allowed.
    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { ASCII.isLetterOrDigit($0) || $0 == UInt8(ascii: "_") }
    }
}
