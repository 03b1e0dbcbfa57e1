import Glibc
import Proxy

/// `headgate reload [--json]`
enum ReloadCommand {
    static func run(_ command: CommandLineArguments) -> Int32 {
        let path = command.isJSON ? "/reload" : "/reload.txt"
        return AdminCommand.perform(command, "POST", path) { answer in
            if command.isJSON || answer.status == 200 {
                Terminal.print(answer.body)
            } else {
                Terminal.printError(answer.body)
            }
            return answer.status == 200 ? 0 : 1
        }
    }
}

/// `headgate upgrade [--json]`
enum UpgradeCommand {
    static func run(_ command: CommandLineArguments) -> Int32 {
        let path = command.isJSON ? "/upgrade" : "/upgrade.txt"
        return AdminCommand.perform(command, "POST", path) { answer in
            if command.isJSON || answer.status == 200 {
                Terminal.print(answer.body)
            } else {
                Terminal.printError(answer.body)
            }
            return answer.status == 200 ? 0 : 1
        }
    }
}

/// Asks the running daemon.
enum AdminCommand {
    static func perform(
        _ command: CommandLineArguments, _ method: String, _ path: String, body: [UInt8] = [],
        _ take: (AdminClient.Answer) -> Int32
    ) -> Int32 {
        do throws(AdminClient.Failure) {
            return take(try client(command).send(method, path, body: body))
        } catch {
            Terminal.printError("headgate: \(error.message)")
            return 1
        }
    }

    static func client(_ command: CommandLineArguments) -> AdminClient {
        let config =
            command.config ?? ConfigPath.defaults.first { access($0, F_OK) == 0 } ?? ConfigPath.defaults[0]
        return AdminClient(
            candidates: AdminPath.candidates(
                option: command.admin, configPath: config, isConfigNamed: command.config != nil))
    }
}
