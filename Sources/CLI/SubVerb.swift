/// A verb below a verb: `headgate token create`.
struct SubVerb: Sendable {
    let name: String
    /// As usage shows them: `[NAME]`.
    let operands: String
    let operandCount: ClosedRange<Int>
    /// Besides `--help` and those that its verb has for all. Those with a value end in `=`.
    let options: [String]
    /// - Returns: the exit code.
    let run: @Sendable (CommandLineArguments) -> Int32

    init(
        _ name: String, _ operands: String = "", count: ClosedRange<Int> = 0...0, options: [String] = [],
        run: @escaping @Sendable (CommandLineArguments) -> Int32
    ) {
        self.name = name
        self.operands = operands
        operandCount = count
        self.options = options
        self.run = run
    }

    func usage(of verb: Verb) -> String {
        (["headgate", verb.rawValue, name] + (operands.isEmpty ? [] : [operands])).joined(separator: " ")
    }
}

extension Verb {
    /// Each way of using it, a line each.
    var usage: String {
        guard !subVerbs.isEmpty else { return String(help.prefix { $0 != "\n" }) }
        return zip(["usage: "] + repeatElement("       ", count: subVerbs.count), subVerbs)
            .map { $0 + $1.usage(of: self) }.joined(separator: "\n")
    }

    /// Of the verb and all below it.
    var allOptions: [String] { options + subVerbs.flatMap(\.options) }
}
