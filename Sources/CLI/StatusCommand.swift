import Glibc
import Proxy

/// `headgate status [--json] [--watch [SECONDS]]`
enum StatusCommand {
    static let help = """
        usage: headgate status [--watch [SECONDS]]

        Shows which generation is served, since when and by what; what older ones still run; the last reload
        that failed and why; listeners, upstreams, connections, and the limits that are nearest to their end.

        \(Verb.configHelp)
        \(Verb.adminHelp)
          --json              everything, as one JSON object
          --watch [SECONDS]   again and again, until Ctrl-C (default: every 2 seconds): on a terminal in place
                              of what was shown before, else below it

        exit: 0 shown, 1 nothing answers, 2 wrong command line
        """

    static func run(_ command: CommandLineArguments) -> Int32 {
        let path = command.isJSON ? "/status" : "/status.txt"
        guard command.has("--watch") else {
            guard let word = command.operands.first else {
                return AdminCommand.perform(command, "GET", path) { answer in
                    Terminal.print(answer.body)
                    return answer.status == 200 ? 0 : 1
                }
            }
            Terminal.printError("headgate: `headgate status` does not expect `\(word)` without `--watch`")
            return ExitCode.usage
        }
        let word = command.operands.first ?? "2"
        guard let seconds = seconds(word) else {
            Terminal.printError("headgate: `--watch` needs seconds from 0.1 to 3600, not `\(word)`")
            return ExitCode.usage
        }
        watch(command, path, every: seconds)
    }

    /// Until a signal ends the process.
    private static func watch(_ command: CommandLineArguments, _ path: String, every seconds: Double) -> Never
    {
        let client = AdminCommand.client(command)
        let redraws = !command.isJSON && isatty(STDOUT_FILENO) == 1
        var isFirst = true
        while true {
            // Why no end where nobody answers: a daemon that is being started again will.
            let text: String
            do throws(AdminClient.Failure) {
                text = try client.send("GET", path).body
            } catch { text = "headgate: \(error.message)" }
            if redraws {
                Terminal.print(clearScreen + text)
            } else {
                Terminal.print(isFirst || command.isJSON ? text : "\n" + text)
            }
            isFirst = false
            poll(nil, 0, Int32(seconds * 1000))
        }
    }

    /// To the top, and nothing below (ECMA-48: CUP, ED).
    private static let clearScreen = "\u{1B}[H\u{1B}[J"

    /// nil: not a number, or one that nobody can mean.
    static func seconds(_ text: String) -> Double? {
        guard let seconds = Double(text), (0.1...3600).contains(seconds) else { return nil }
        return seconds
    }
}

/// `headgate generations [--json]`
enum GenerationsCommand {
    static let help = """
        usage: headgate generations

        Lists the configurations that are alive: the one that is served, and older ones that running requests
        began with, with how many those are and what of it is served no more.

        \(Verb.configHelp)
        \(Verb.adminHelp)
          --json              the list as one JSON object

        exit: 0 shown, 1 nothing answers, 2 wrong command line
        """

    static func run(_ command: CommandLineArguments) -> Int32 {
        let path = command.isJSON ? "/generations" : "/generations.txt"
        return AdminCommand.perform(command, "GET", path) { answer in
            Terminal.print(answer.body)
            return answer.status == 200 ? 0 : 1
        }
    }
}
