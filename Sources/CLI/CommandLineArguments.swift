import Config
import Proxy

/// The command line is wrong: exit 2.
struct CommandLineError: Error, Equatable {
    let message: String
    /// How it would be right; printed below the message.
    var usage: String?
    var exitCode = ExitCode.usage
}

/// What was typed, understood. `-c FILE` may stand before or after the verb.
struct CommandLineArguments: Equatable {
    /// nil: none was given.
    var verb: Verb?
    /// Name of the verb below `verb`; nil where that has none below.
    var subVerb: String?
    var wantsHelp = false
    /// By name, dashes included; `-c` is `--config`.
    private var values: [String: String] = [:]
    private var flags: Set<String> = []
    /// Each `--set`, in order.
    private(set) var settings: [ConfigSetting] = []
    /// Words that are no options.
    var operands: [String] = []
    /// Everything after `mock`, which reads its own.
    var passed: [String] = []

    var config: String? { self["--config"] }
    var admin: String? { self["--admin"] }
    var mock: String? { self["--mock"] }
    var isJSON: Bool { has("--json") }

    /// Value of an option; nil: it was not given.
    subscript(option: String) -> String? { values[option] }
    func has(_ option: String) -> Bool { flags.contains(option) }

    /// `headgate help VERB`.
    var helpTopic: Verb? { verb == .help ? operands.first.flatMap(Verb.init) : nil }

    /// - Parameter arguments: without the program's name. Behind `--` nothing is an option.
    static func parse(_ arguments: [String]) throws(CommandLineError) -> CommandLineArguments {
        var parsed = CommandLineArguments()
        var given: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if parsed.verb == .mock {
                parsed.passed.append(word)
            } else if word == "--help" || word == "-h" {
                parsed.wantsHelp = true
            } else if word == "--version", parsed.verb == nil {
                parsed.verb = .version
            } else if word == "--" {
                parsed.operands += rest
                rest = []
            } else if word.hasPrefix("-"), word != "-" {
                given.append(try parsed.readOption(word, &rest))
            } else if parsed.verb == nil {
                parsed.verb = try verb(word)
            } else {
                parsed.operands.append(word)
            }
        }
        guard !parsed.wantsHelp else { return parsed }
        try parsed.checkAgainstVerb(given)
        return parsed
    }

    private static func verb(_ word: String) throws(CommandLineError) -> Verb {
        if let verb = Verb(rawValue: word) { return verb }
        let suggestion = suggestion(for: word, among: Verb.allCases.map(\.rawValue))
        throw CommandLineError(
            message: "unknown command `\(word)`" + (suggestion ?? "; `headgate help` lists them"))
    }

    /// - Returns: the option's name.
    private mutating func readOption(
        _ word: String, _ rest: inout ArraySlice<String>
    ) throws(CommandLineError) -> String {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let name = parts[0]
        // Why the verb's own first: `--admin` takes a value, but not behind `db`.
        let own = verb?.allOptions ?? []
        let isOwn = own.contains(name) || own.contains(name + "=")
        let known = isOwn ? own : Verb.allCases.flatMap(\.allOptions)
        if known.contains(name + "=") {
            let value = try value(of: name, parts, &rest)
            values[name == "-c" ? "--config" : name] = value
            if name == "--set" { settings.append(try CommandLineArguments.setting(value)) }
        } else if known.contains(name) {
            guard parts.count == 1 else { throw CommandLineError(message: "`\(name)` takes no value") }
            flags.insert(name)
        } else {
            let words = known.map { $0.hasSuffix("=") ? String($0.dropLast()) : $0 } + ["--help"]
            let suggestion = CommandLineArguments.suggestion(for: name, among: words)
            throw CommandLineError(message: "unknown option `\(name)`" + (suggestion ?? ""))
        }
        return name
    }

    private static func setting(_ text: String) throws(CommandLineError) -> ConfigSetting {
        guard let setting = ConfigSetting(text) else {
            // Why not quoted: it may be a secret.
            throw CommandLineError(message: "`--set` needs PATH=VALUE, such as listeners.public=0.0.0.0:9000")
        }
        return setting
    }

    private func value(
        of name: String, _ parts: [String], _ rest: inout ArraySlice<String>
    ) throws(CommandLineError) -> String {
        let value = parts.count == 2 ? parts[1] : rest.popFirst() ?? ""
        guard !value.isEmpty else { throw CommandLineError(message: "`\(name)` needs a value") }
        return value
    }

    private mutating func checkAgainstVerb(_ given: [String]) throws(CommandLineError) {
        guard let verb else {
            guard given.isEmpty else {
                throw CommandLineError(message: "no command given; `headgate help` lists them")
            }
            return
        }
        guard verb.subVerbs.isEmpty else { return try checkAgainstSubVerb(of: verb, given) }
        try check(given, verb.options, of: "headgate \(verb.rawValue)")
        if operands.count > verb.operandsMax {
            throw CommandLineError(
                message: "`headgate \(verb.rawValue)` does not expect `\(operands[verb.operandsMax])`")
        }
        if verb == .help, let topic = operands.first { _ = try CommandLineArguments.verb(topic) }
    }

    private func check(_ given: [String], _ options: [String], of usage: String) throws(CommandLineError) {
        for name in given where !options.contains(name) && !options.contains(name + "=") {
            throw CommandLineError(message: "`\(usage)` takes no `\(name)`")
        }
    }

    /// The first operand names what to do.
    private mutating func checkAgainstSubVerb(of verb: Verb, _ given: [String]) throws(CommandLineError) {
        func wrong(_ message: String) -> CommandLineError {
            CommandLineError(message: message, usage: verb.usage, exitCode: verb.wrongUsageCode)
        }
        guard !operands.isEmpty else { throw wrong("`headgate \(verb.rawValue)` does not say what to do") }
        var name = operands.removeFirst()
        if verb.subVerb(name) == nil, operands.isEmpty, let implied = verb.impliedSubVerb {
            operands = [name]
            name = implied
        }
        guard let subVerb = verb.subVerb(name) else {
            let suggestion = CommandLineArguments.suggestion(for: name, among: verb.subVerbs.map(\.name))
            throw wrong("unknown command `\(verb.rawValue) \(name)`" + (suggestion ?? ""))
        }
        self.subVerb = name
        let words = "headgate \(verb.rawValue) \(name)"
        try check(given, verb.options + subVerb.options, of: words)
        if operands.count < subVerb.operandCount.lowerBound {
            throw wrong("`\(words)` needs \(subVerb.operands)")
        }
        if operands.count > subVerb.operandCount.upperBound {
            // Why not quoted: it may be a password.
            let count = operands.count
            throw wrong(
                "`\(words)` takes \(subVerb.operandCount.upperBound == 0 ? "no word" : "one word") "
                    + "behind it, not \(count)")
        }
    }

    private static func suggestion(for word: String, among words: [String]) -> String? {
        nearest(to: word, among: words).map { "; did you mean `\($0)`?" }
    }

    /// The word that is at most two edits away, if there is one.
    static func nearest(to word: String, among words: [String]) -> String? {
        let distances = words.map { (distance(Array(word), Array($0)), $0) }
        guard let best = distances.min(by: { $0.0 < $1.0 }), best.0 <= 2, best.0 < word.count else {
            return nil
        }
        return best.1
    }

    /// Levenshtein's: insertions, deletions and replacements.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var previous = Array(0...b.count)
        for (row, left) in a.enumerated() {
            var current = [row + 1]
            for (column, right) in b.enumerated() {
                let replaced = previous[column] + (left == right ? 0 : 1)
                current.append(min(replaced, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[b.count]
    }
}
