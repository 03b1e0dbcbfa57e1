import Glibc
import Proxy

@main
struct Headgate {
    /// Of this source tree.
    static let version = "0.1.0"

    static func main() {
        let code = run(Array(CommandLine.arguments.dropFirst()))
        fflush(nil)
        // Why not exit(3): it frees what libraries hold (OpenSSL, for one), while threads of `run` that
        // nobody waits for may still use it.
        _exit(code)
    }

    /// - Returns: the exit code: 0 done, 1 failed, 2 a wrong command line, 78 (from `run`) a wrong file.
    static func run(_ arguments: [String]) -> Int32 {
        do throws(CommandLineError) {
            let command = try CommandLineArguments.parse(arguments)
            guard !command.wantsHelp else {
                Terminal.print(command.verb?.help ?? Verb.overview)
                return 0
            }
            return perform(command)
        } catch {
            Terminal.printError("headgate: \(error.message)")
            if let usage = error.usage { Terminal.printError(usage) }
            return error.exitCode
        }
    }

    private static func perform(_ command: CommandLineArguments) -> Int32 {
        switch command.verb {
        case nil, .help: Terminal.print(command.helpTopic?.help ?? Verb.overview)
        case .version: Terminal.print("headgate \(version)")
        case .schema: return SchemaCommand.run()
        case .mock: return MockCommand.run(arguments: command.passed)
        case .run: return RunCommand.run(command)
        case .bind: return BindCommand.run(command)
        case .check: return CheckCommand.run(command)
        case .plan: return PlanCommand.run(command)
        case .reload: return ReloadCommand.run(command)
        case .upgrade: return UpgradeCommand.run(command)
        case .status: return StatusCommand.run(command)
        case .generations: return GenerationsCommand.run(command)
        case .usage: return UsageCommand.run(command)
        case .token, .user, .apikey, .key, .db, .explain, .import, .service:
            return command.verb?.subVerb(command.subVerb ?? "")?.run(command) ?? ExitCode.usage
        }
        return 0
    }
}
