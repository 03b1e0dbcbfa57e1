import Testing

@testable import CLI

private func parse(_ line: String) -> Result<CommandLineArguments, CommandLineError> {
    do throws(CommandLineError) {
        return .success(try CommandLineArguments.parse(line.split(separator: " ").map(String.init)))
    } catch {
        return .failure(error)
    }
}

private func message(_ line: String) -> String? {
    guard case .failure(let error) = parse(line) else { return nil }
    return error.message
}

@Test(arguments: ["-c f run", "run -c f", "--config f run", "run --config=f", "-c=f run"])
func `the config file stands before or after the verb`(line: String) throws {
    let parsed = try parse(line).get()
    #expect(parsed.verb == .run)
    #expect(parsed.config == "f")
}

@Test(arguments: [
    ("relaod", "unknown command `relaod`; did you mean `reload`?"),
    ("frobnicate", "unknown command `frobnicate`; `headgate help` lists them"),
    ("run --moc x", "unknown option `--moc`; did you mean `--mock`?"),
    ("run -c", "`-c` needs a value"), ("status --json=1", "`--json` takes no value"),
    ("check --mock x", "`headgate check` takes no `--mock`"),
    ("run extra", "`headgate run` does not expect `extra`"),
    ("--json", "no command given; `headgate help` lists them"),
    ("help stats", "unknown command `stats`; did you mean `status`?"),
    ("token", "`headgate token` does not say what to do"),
    ("token lst", "unknown command `token lst`; did you mean `list`?"),
    ("token revoke", "`headgate token revoke` needs PREFIX"),
    ("token list x", "`headgate token list` takes no word behind it, not 1"),
    ("user add joe secret", "`headgate user add` takes one word behind it, not 2"),
    ("token list --admin x", "`headgate token list` takes no `--admin`"),
    ("run --file x", "`headgate run` takes no `--file`"), ("token list --file=", "`--file` needs a value"),
])
func `a wrong command line says what is wrong`(line: String, expected: String) {
    #expect(message(line) == expected)
}

@Test(arguments: Verb.allCases)
func `every verb has help that begins with its usage`(verb: Verb) throws {
    #expect(try parse("\(verb.rawValue) --help").get().wantsHelp || verb == .mock)
    #expect(verb.help.hasPrefix("usage: headgate \(verb.rawValue)"))
    #expect(Verb.overview.contains("  \(verb.rawValue) "))
    for subVerb in verb.subVerbs { #expect(verb.help.contains(subVerb.usage(of: verb))) }
    #expect(verb.help.hasPrefix(verb.usage))
    for option in verb.allOptions where option.hasPrefix("--") {
        #expect(verb.help.contains(option.filter { $0 != "=" }))
    }
}

@Test func `a verb below a verb has operands and options of its own`() throws {
    for line in ["token create app --file t.json --json", "--json token --file=t.json create app"] {
        let parsed = try parse(line).get()
        #expect(parsed.verb == .token && parsed.subVerb == "create" && parsed.operands == ["app"])
        #expect(parsed["--file"] == "t.json" && parsed.isJSON && parsed["--auth"] == nil)
    }
    #expect(try parse("token --help").get().wantsHelp)
    #expect(try parse("token revoke --help").get().verb == .token)
}

@Test(arguments: Verb.allCases)
func `an option of a verb belongs to one kind, with or without value`(verb: Verb) {
    let all = Set(verb.allOptions)
    for option in all where option.hasSuffix("=") { #expect(!all.contains(String(option.dropLast()))) }
}

@Test func `an option means what it means to its verb`() throws {
    let socket = try parse("status --admin a.sock").get()
    #expect(socket.admin == "a.sock" && !socket.has("--admin"))
    let user = try parse("db --no-admin init").get()
    #expect(user.has("--no-admin") && user.admin == nil && user.subVerb == "init")
}

@Test func `behind two dashes nothing is an option`() throws {
    #expect(try parse("token create -- --json").get().operands == ["--json"])
    #expect(try !parse("token create -- --json").get().isJSON)
}

@Test func `a wrong use of token is exit 1 with usage, of others exit 2`() {
    for (line, code) in [("token", 1), ("token revoke", 1), ("run extra", 2), ("token list --nonsense", 2)] {
        guard case .failure(let error) = parse(line) else {
            Issue.record("\(line)")
            continue
        }
        #expect(error.exitCode == Int32(code))
        #expect((error.usage != nil) == (code == 1))
    }
}

@Test func `the mock reads its own options`() throws {
    #expect(try parse("mock --bind 127.0.0.1:1 --help").get().passed == ["--bind", "127.0.0.1:1", "--help"])
}

@Test(arguments: [
    ("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:81", "::1", 81), ("localhost:0", "localhost", 0),
])
func `the mock's address is host and port`(text: String, host: String, port: UInt16) throws {
    let address = try RunCommand.mockAddress(text)
    #expect(address.host == host)
    #expect(address.port == port)
}

@Test(arguments: ["80", ":80", "h:", "h:70000", "h:x"])
func `an address without host or port is refused`(text: String) {
    #expect(throws: CommandLineError.self) { _ = try RunCommand.mockAddress(text) }
}

@Test func `one word behind explain is a request id, unless it names what to explain`() throws {
    let short = try parse("explain 3f2a --json").get()
    #expect(short.subVerb == "request" && short.operands == ["3f2a"] && short.isJSON)
    let long = try parse("explain request key --admin a.sock").get()
    #expect(long.subVerb == "request" && long.operands == ["key"] && long.admin == "a.sock")
    #expect(try parse("explain key openai --model m").get().subVerb == "key")
    #expect(message("explain key") == "`headgate explain key` needs UPSTREAM")
    #expect(message("explain ky openai") == "unknown command `explain ky`; did you mean `key`?")
    #expect(message("explain") == "`headgate explain` does not say what to do")
}
