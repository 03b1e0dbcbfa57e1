import Glibc
import Stores

/// Passwords of users.
enum PasswordInput {
    /// From standard input with `--password-stdin`, else typed twice at the terminal.
    static func read(_ command: CommandLineArguments) throws(CommandLineError) -> Secret {
        if command.has("--password-stdin") { return try SecretInput.line(from: STDIN_FILENO, "password") }
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else {
            throw CommandLineError(message: "no terminal to ask for the password at; use --password-stdin")
        }
        defer { close(terminal) }
        let first = try SecretInput.ask("Password: ", at: terminal, "password")
        guard try SecretInput.ask("Again: ", at: terminal, "password").isEqual(to: first) else {
            throw SecretInput.wrong("the two differ")
        }
        return first
    }
}
