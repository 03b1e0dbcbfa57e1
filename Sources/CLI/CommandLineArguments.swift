/// The command line is wrong: exit 2.
struct CommandLineError: Error, Equatable {
    let message: String
}

/// What was typed, understood. `-c FILE` may stand before or after the verb.
struct CommandLineArguments: Equatable {
    /// nil: none was given.
    var verb: Verb?
    var wantsHelp = false
    var config: String?
    var admin: String?
    var mock: String?
    var isJSON = false
    /// Words that are no options.
    var operands: [String] = []
    /// Everything after `mock`, which reads its own.
    var passed: [String] = []

    /// `headgate help VERB`.
    var helpTopic: Verb? { verb == .help ? operands.first.flatMap(Verb.init) : nil }

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
            } else if word.hasPrefix("-"), word != "-" {
                given.append(try parsed.readOption(word, &rest))
            } else if parsed.verb == nil {
                parsed.verb = try verb(word)
            } else {
                parsed.operands.append(word)
            }
        }
        try parsed.checkAgainstVerb(given)
        return parsed
    }

    private static func verb(_ word: String) throws(CommandLineError) -> Verb {
        if let verb = Verb(rawValue: word) { return verb }
        let suggestion = nearest(to: word, among: Verb.allCases.map(\.rawValue)).map {
            "; did you mean `\($0)`?"
        }
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
        switch name {
        case "-c", "--config": config = try value(of: name, parts, &rest)
        case "--admin": admin = try value(of: name, parts, &rest)
        case "--mock": mock = try value(of: name, parts, &rest)
        case "--json":
            guard parts.count == 1 else { throw CommandLineError(message: "`--json` takes no value") }
            isJSON = true
        case _:
            let known = ["--config", "--admin", "--mock", "--json", "--help"]
            let suggestion = CommandLineArguments.nearest(to: name, among: known).map {
                "; did you mean `\($0)`?"
            }
            throw CommandLineError(message: "unknown option `\(name)`" + (suggestion ?? ""))
        }
        return name
    }

    private func value(
        of name: String, _ parts: [String], _ rest: inout ArraySlice<String>
    ) throws(CommandLineError) -> String {
        let value = parts.count == 2 ? parts[1] : rest.popFirst() ?? ""
        guard !value.isEmpty else { throw CommandLineError(message: "`\(name)` needs a value") }
        return value
    }

    private func checkAgainstVerb(_ given: [String]) throws(CommandLineError) {
        guard !wantsHelp else { return }
        guard let verb else {
            guard given.isEmpty else {
                throw CommandLineError(message: "no command given; `headgate help` lists them")
            }
            return
        }
        for name in given where !verb.options.contains(name) && !verb.options.contains(name + "=") {
            throw CommandLineError(message: "`headgate \(verb.rawValue)` takes no `\(name)`")
        }
        if operands.count > verb.operandsMax {
            throw CommandLineError(
                message: "`headgate \(verb.rawValue)` does not expect `\(operands[verb.operandsMax])`")
        }
        if verb == .help, let topic = operands.first { _ = try CommandLineArguments.verb(topic) }
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
