/// Where in the file a value stands, as `routes[3].to`. Text is made only when a message needs it.
indirect enum ConfigPath: Equatable, Sendable {
    case root
    case key(ConfigPath, String)
    case index(ConfigPath, Int)

    var text: String {
        switch self {
        case .root: ""
        case .key(.root, let name): Self.written(name)
        case .key(let parent, let name): parent.text + "." + Self.written(name)
        case .index(let parent, let index): parent.text + "[\(index)]"
        }
    }

    var parent: ConfigPath {
        switch self {
        case .root: .root
        case .key(let parent, _), .index(let parent, _): parent
        }
    }

    /// The last key; nil for a list entry and for the root.
    var name: String? {
        if case .key(_, let name) = self { name } else { nil }
    }

    /// ` in routes[3]`, or nothing at the top of the file.
    var inside: String { self == .root ? "" : " in \(text)" }

    /// Why: a key is any text, and a path must not carry line breaks into a log.
    private static func written(_ name: String) -> String {
        let isPlain =
            !name.isEmpty && name.utf8.count <= Quoting.countMax
            && name.unicodeScalars.allSatisfy { !Quoting.isUnsafe($0) } && !SecretSigns.looksSecret(name)
        return isPlain ? name : Quoting.escaped(name)
    }
}

/// Text of the file in a message: without control characters, not endless, nothing that looks like a
/// secret.
enum Quoting {
    /// Characters shown at most.
    static let countMax = 60

    static func quoted(_ text: String) -> String { "`\(escaped(text))`" }

    static func escaped(_ text: String) -> String {
        if SecretSigns.looksSecret(text) { return "(not shown)" }
        var result = ""
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == countMax { return result + "…" }
            if isUnsafe(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Control characters, and those that turn the direction of text around (Trojan Source).
    static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
        case _: false
        }
    }
}
