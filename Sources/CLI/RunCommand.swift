import Config
import Proxy

/// `headgate run [-c FILE] [--set PATH=VALUE]... [--admin PATH] [--mock HOST:PORT]`
enum RunCommand {
    static func run(_ command: CommandLineArguments) -> Int32 {
        do throws(CommandLineError) {
            let path = try ConfigPath.find(command.config)
            let mock = try command.mock.map(mockAddress)
            var options = RunOptions(
                configPath: path, settings: command.settings, adminPath: command.admin,
                version: Headgate.version,
                arguments: Array(CommandLine.arguments.dropFirst()),
                upgradeObstacle: mock.map { _ in "it runs with --mock, whose port the new process cannot have"
                })
            options.prepare = { () throws(StartError) in
                guard let mock else { return }
                let host = mock.host.contains(":") ? "[\(mock.host)]" : mock.host
                do throws(MockError) {
                    let upstream = try MockUpstream.start(host: mock.host, port: mock.port)
                    Terminal.printError("mock upstream on http://\(host):\(upstream.port)")
                } catch { throw StartError(message: error.message) }
            }
            options.announce = { urls, summary in announce(urls, summary, hasMock: mock != nil) }
            return Supervisor.run(options)
        } catch {
            Terminal.printError("headgate: \(error.message)")
            return error.message.hasPrefix("no config file") ? ExitCode.config : ExitCode.usage
        }
    }

    private static func announce(_ urls: [String], _ summary: StartSummary, hasMock: Bool) {
        for url in urls { Terminal.printError("listening on \(url)") }
        for line in summary.lines { Terminal.printError(line) }
        guard hasMock, let url = urls.first(where: { $0.hasPrefix("http") }) else { return }
        Terminal.printError(
            """

            try:
              curl \(url)/v1/chat/completions -H 'Content-Type: application/json' \\
                -d '{"model":"mock","messages":[{"role":"user","content":"Hello!"}]}'

            """)
    }

    /// `HOST:PORT`, an IPv6 host in brackets.
    static func mockAddress(_ text: String) throws(CommandLineError) -> (host: String, port: UInt16) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw CommandLineError(message: "`--mock` needs HOST:PORT, such as 127.0.0.1:9000")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else {
            throw CommandLineError(message: "`--mock` needs HOST:PORT, such as 127.0.0.1:9000")
        }
        return (String(host), port)
    }
}
