import Glibc

/// `headgate mock`: the mock upstream alone, in the foreground.
enum MockCommand {
    static let hostDefault = "127.0.0.1"
    static let portDefault: UInt16 = 8090

    static let help = """
        usage: headgate mock [--bind HOST:PORT]

        Serves an OpenAI-compatible mock upstream, for trying headgate out without an account.

          --bind HOST:PORT   where to listen (default 127.0.0.1:8090; port 0 lets the system choose)

        endpoints: /v1/chat/completions, /v1/completions, /v1/responses and /v1/messages (plain and streamed),
                   /v1/embeddings, /v1/models, /v1/keys (a POST with any key makes one),
                   /v1/echo (tells what arrived), /health,
                   /mock/counts (connections and requests), /mock/sent (tokens of each model)
        A piece of text is a token, and usage says how many were sent: as many words as the text has, at most
        max_tokens, max_completion_tokens or max_output_tokens.
        on demand, by request field:
          x-mock-status: 429           an error of that status; so does a model or a key named mock-error-429
          x-mock-retry-after: 5        Retry-After of an error, in seconds (default 1, for 429 and 503)
          x-mock-delay-ms: 500         wait before the answer
          x-mock-chunk-delay-ms: 50    wait between the pieces of a stream (default 20)
          x-mock-chunks: 100           pieces of text
          x-mock-die: head | middle    cut the connection before the answer, or within its body
          x-mock-die: reset            reset it before the answer
          x-mock-die: 5                cut it when 5 pieces of a stream were sent

        """

    /// - Parameter arguments: what follows the verb.
    /// - Returns: the exit code: 0 for help, 1 where it cannot listen, 2 for a wrong command line.
    static func run(arguments: [String]) -> Int32 {
        var bind = (host: hostDefault, port: portDefault)
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--help", "-h":
                write(help, to: STDOUT_FILENO)
                return 0
            case "--bind":
                guard let value = rest.popFirst(), let address = address(value) else {
                    write(
                        "headgate mock: --bind needs HOST:PORT, such as 127.0.0.1:8090\n", to: STDERR_FILENO)
                    return 2
                }
                bind = address
            default:
                write(
                    "headgate mock: unknown argument `\(argument)`; see headgate mock --help\n",
                    to: STDERR_FILENO)
                return 2
            }
        }
        do throws(MockError) {
            raiseDescriptorLimit()
            let upstream = try MockUpstream.start(host: bind.host, port: bind.port)
            let host = bind.host.contains(":") ? "[\(bind.host)]" : bind.host
            write("mock upstream: http://\(host):\(upstream.port)/v1\n", to: STDOUT_FILENO)
            upstream.runForever()
            return 0
        } catch {
            write("headgate: \(error.message)\n", to: STDERR_FILENO)
            return 1
        }
    }

    /// `127.0.0.1:8090`, `[::1]:8090` or `localhost:8090`; nil for anything else.
    static func address(_ text: String) -> (host: String, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : (String(host), port)
    }

    /// Why: each stream is a descriptor, and the soft limit is often 1,024.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress! + sent, bytes.count - sent)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return }
                sent += count
            }
        }
    }
}
