import Proxy

/// `headgate bind [-c FILE]`
enum BindCommand {
    static func run(_ command: CommandLineArguments) -> Int32 {
        do throws(CommandLineError) {
            return SocketBinder.run(
                configPath: try ConfigPath.find(command.config), settings: command.settings)
        } catch {
            Terminal.printError("headgate: \(error.message)")
            return ExitCode.usage
        }
    }
}
