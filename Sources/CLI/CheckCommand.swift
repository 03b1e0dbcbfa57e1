import Config
import Proxy

/// `headgate check [FILE] [--json]`
enum CheckCommand {
    static func run(_ command: CommandLineArguments) -> Int32 {
        do throws(CommandLineError) {
            let path = try ConfigPath.find(command.operands.first ?? command.config)
            let check = ConfigCheck(path: path, settings: command.settings)
            if command.isJSON {
                Terminal.print(renderJSON(check.diagnostics))
            } else {
                if !check.diagnostics.isEmpty { Terminal.printError(renderReport(check.diagnostics)) }
                if check.isGood, let summary = check.summary { Terminal.print("ok: \(summary)") }
            }
            return check.isGood ? 0 : 1
        } catch {
            Terminal.printError("headgate: \(error.message)")
            return 1
        }
    }
}
