import Glibc
import Proxy
import Stores

/// Passwords that somebody types, or that a program hands over. Never an argument: everybody on the machine
/// can read those.
enum PasswordInput {
    /// One line, without its end.
    static let bytesMax = 4096

    /// From standard input with `--password-stdin`, else typed twice at the terminal.
    static func read(_ command: CommandLineArguments) throws(CommandLineError) -> Secret {
        if command.has("--password-stdin") { return try line(from: STDIN_FILENO) }
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else {
            throw CommandLineError(message: "no terminal to ask for the password at; use --password-stdin")
        }
        defer { close(terminal) }
        let first = try ask("Password: ", at: terminal)
        guard try ask("Again: ", at: terminal).isEqual(to: first) else { throw wrong("the two differ") }
        return first
    }

    private static func ask(_ question: String, at terminal: Int32) throws(CommandLineError) -> Secret {
        var before = termios()
        guard tcgetattr(terminal, &before) == 0 else { throw wrong("the terminal cannot be asked") }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        let interruption = Interruption()
        tcsetattr(terminal, TCSAFLUSH, &silent)
        defer {
            tcsetattr(terminal, TCSAFLUSH, &before)
            say("\n", at: terminal)
            interruption.restore()
        }
        say(question, at: terminal)
        return try line(from: terminal)
    }

    private static func say(_ text: String, at terminal: Int32) {
        let bytes = Array(text.utf8)
        _ = write(terminal, bytes, bytes.count)
    }

    /// Byte by byte, because what follows the line belongs to somebody else.
    private static func line(from descriptor: Int32) throws(CommandLineError) -> Secret {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(bytesMax + 1)
        defer { for index in bytes.indices { bytes[index] = 0 } }
        while true {
            var byte: UInt8 = 0
            let count = Glibc.read(descriptor, &byte, 1)
            guard count >= 0 else { throw wrong("no password was read") }
            if count == 0 || byte == UInt8(ascii: "\n") { break }
            bytes.append(byte)
            guard bytes.count <= bytesMax else {
                throw wrong("the password is longer than \(bytesMax) bytes")
            }
        }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else { throw wrong("the password is empty") }
        return Secret(bytes)
    }

    private static func wrong(_ message: String) -> CommandLineError {
        CommandLineError(message: message, exitCode: ExitCode.failure)
    }

    /// Makes ^C end the reading instead of the process, so that the terminal shows again what is typed.
    private struct Interruption {
        private var before = sigaction()

        init() {
            var ending = sigaction()
            ending.__sigaction_handler.sa_handler = { _ in }
            sigaction(SIGINT, &ending, &before)
        }

        func restore() {
            var before = before
            sigaction(SIGINT, &before, nil)
        }
    }
}
