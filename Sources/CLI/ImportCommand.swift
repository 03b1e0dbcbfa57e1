import Config
import Glibc
import Proxy
import Stores

/// `headgate import litellm`
enum ImportCommand {
    static let subVerbs = [
        SubVerb(
            "litellm", "FILE", count: 1...1, options: ["-o=", "--output=", "--strict"], run: convertLiteLLM)
    ]

    static let help = """
        usage: headgate import litellm FILE

        Prints a config file that does what FILE, a config.yaml of the LiteLLM proxy, does: where it listens, who may
        come in, models, fallbacks, upstreams and their keys, repetitions, time limits, prices. What has no
        counterpart is listed at the top of it as comments, and on standard error. Keys are never passed on: those
        that stand in FILE in clear become variables to be set. Users and keys in LiteLLM's database stay there.

          -o, --output FILE   write it there instead; a file that is there is not overwritten
          --strict            exit 1 where anything has no counterpart

        exit: 0 done, 1 not, or not all of it with --strict, 2 wrong command line
        """

    private static func convertLiteLLM(_ command: CommandLineArguments) -> Int32 {
        let path = command.operands[0]
        do throws(CommandLineError) {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let made = try convert(try read(path), name)
            tell(made.losses)
            if let output = command["-o"] ?? command["--output"] {
                try write(made.text, to: output)
            } else {
                Terminal.print(made.text)
            }
            return command.has("--strict") && !made.losses.isEmpty ? ExitCode.failure : ExitCode.success
        } catch {
            Terminal.printError("headgate: \(Terminal.printableLines(error.message))")
            return error.exitCode
        }
    }

    private static func convert(
        _ file: YAMLValue, _ name: String
    ) throws(CommandLineError) -> LiteLLMConversion {
        guard file["model_list"] != nil else {
            throw failure("\(name) has no `model_list`: is it a config file of LiteLLM?")
        }
        do throws(LiteLLMConversion.Empty) {
            return try LiteLLMConversion(file, name: name)
        } catch {
            tell(error.losses)
            throw failure("\(name) has no model that there is a counterpart for")
        }
    }

    private static func tell(_ losses: [String]) {
        for loss in losses { Terminal.printError("headgate: \(Terminal.printable(loss))") }
    }

    private static func read(_ path: String) throws(CommandLineError) -> YAMLValue {
        let bytes: [UInt8]
        do throws(FileReadError) {
            bytes = try readFile(path, limitBytes: 16 << 20)
        } catch {
            throw failure("cannot read \(path): \(error)")
        }
        do throws(YAMLValue.Failure) {
            return try YAMLValue.parse(bytes, file: path)
        } catch {
            throw failure(error.description)
        }
    }

    private static func write(_ text: String, to path: String) throws(CommandLineError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw failure("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else {
                throw failure("cannot write \(path): \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(max(0, count))
        }
    }

    private static func failure(_ message: String) -> CommandLineError {
        CommandLineError(message: message, exitCode: ExitCode.failure)
    }
}
