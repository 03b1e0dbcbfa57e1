import Glibc
import Proxy
import Stores

/// Secrets that somebody types, or that a program hands over. Never an argument: everybody on the machine can
/// read those.
enum SecretInput {
    /// One line, without its end.
    static let bytesMax = 4096

    /// One line of standard input; where that is a terminal, one that is typed there without being shown.
    /// - Parameter what: what the line is, for people.
    static func read(_ what: String) throws(CommandLineError) -> Secret {
        guard isatty(STDIN_FILENO) == 1 else { return try line(from: STDIN_FILENO, what) }
        // Why not standard input: nothing may be written to one that was opened for reading.
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { throw wrong("the terminal cannot be asked") }
        defer { close(terminal) }
        return try ask(what.prefix(1).uppercased() + what.dropFirst() + ": ", at: terminal, what)
    }

    static func ask(
        _ question: String, at terminal: Int32, _ what: String
    ) throws(CommandLineError) -> Secret {
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
        return try line(from: terminal, what)
    }

    private static func say(_ text: String, at terminal: Int32) {
        let bytes = Array(text.utf8)
        _ = write(terminal, bytes, bytes.count)
    }

    /// Byte by byte, because what follows the line belongs to somebody else.
    static func line(from descriptor: Int32, _ what: String) throws(CommandLineError) -> Secret {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(bytesMax + 1)
        defer { for index in bytes.indices { bytes[index] = 0 } }
        while true {
            var byte: UInt8 = 0
            let count = Glibc.read(descriptor, &byte, 1)
            guard count >= 0 else { throw wrong("no \(what) was read") }
            if count == 0 || byte == UInt8(ascii: "\n") { break }
            bytes.append(byte)
            guard bytes.count <= bytesMax else {
                throw wrong("the \(what) is longer than \(bytesMax) bytes")
            }
        }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else { throw wrong("the \(what) is empty") }
        return Secret(bytes)
    }

    static func wrong(_ message: String) -> CommandLineError {
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
