import Proxy

/// What headgate can be told to do.
enum Verb: String, CaseIterable {
    case run, bind, check, plan, schema, reload, upgrade, status, generations, token, user, apikey, key, db,
        usage, explain, `import`, service, mock, version, help

    /// Options that the verb takes besides `--help`, and with it all verbs below it. Those with a value end
    /// in `=`.
    var options: [String] {
        switch self {
        case .run: ["-c=", "--config=", "--set=", "--admin=", "--mock="]
        case .bind: ["-c=", "--config=", "--set="]
        case .check: ["-c=", "--config=", "--set=", "--json"]
        case .plan: ["-c=", "--config=", "--admin=", "--json", "--exit-code"]
        case .reload, .upgrade, .generations: ["-c=", "--config=", "--admin=", "--json"]
        case .status: ["-c=", "--config=", "--admin=", "--json", "--watch"]
        case .token: ["-c=", "--config=", "--set=", "--json"]
        case .user, .apikey, .key, .db: StoreCommand.options
        case .usage: UsageCommand.options
        case .explain: ["-c=", "--config=", "--set=", "--json"]
        case .service, .import: []
        case .schema, .version, .help, .mock: []
        }
    }

    /// What can be done by it: the word that follows. Empty: it is told no more.
    var subVerbs: [SubVerb] {
        switch self {
        case .token: TokenCommand.subVerbs
        case .user: UserCommand.subVerbs
        case .apikey: APIKeyCommand.subVerbs
        case .key: KeyCommand.subVerbs
        case .db: DatabaseCommand.subVerbs
        case .explain: ExplainCommand.subVerbs
        case .import: ImportCommand.subVerbs
        case .service: ServiceCommand.subVerbs
        case .run, .bind, .check, .plan, .schema, .reload, .upgrade, .status, .generations, .usage, .mock,
            .version, .help:
            []
        }
    }

    /// The one that a single word is for which no verb below is called: `headgate explain REQUEST_ID`.
    var impliedSubVerb: String? { self == .explain ? ExplainCommand.requestVerb : nil }

    func subVerb(_ name: String) -> SubVerb? { subVerbs.first { $0.name == name } }

    /// The exit code where the word that follows is missing or wrong.
    ///
    /// Why `token` differs: scripts know it as 1 from the tool whose place it takes.
    var wrongUsageCode: Int32 { self == .token ? 1 : ExitCode.usage }

    /// How many words may follow, where there are no verbs below it.
    var operandsMax: Int {
        switch self {
        case .check, .plan, .status, .help: 1
        case .run, .bind, .schema, .reload, .upgrade, .generations, .token, .user, .apikey, .key, .db,
            .usage, .explain, .import, .service, .version, .mock:
            0
        }
    }

    var summary: String {
        switch self {
        case .run: "serve what the config file says"
        case .bind: "bind the listeners for a systemd unit, before it starts (ExecStartPre=+)"
        case .check: "say what is wrong with a config file"
        case .plan: "say what a reload would change, and which running requests it touches"
        case .schema: "print the JSON Schema of the config file, for editors"
        case .reload: "make the running headgate read its files again; wait for the outcome"
        case .upgrade: "have a new process of the program take over; no stream is broken"
        case .status: "show what the running headgate is doing"
        case .generations: "list the configurations that running requests go by"
        case .token: "make, list, revoke, delete and migrate the tokens of a token file"
        case .user: "keep the users of a store"
        case .apikey: "make, list, revoke and rotate the keys of users"
        case .key: "keep the keys that requests go to upstreams with"
        case .db: "make, check, back up, migrate and fill the database of a store"
        case .usage: "show what keys, users and models have used, by the day"
        case .explain: "say what became of a request, or where a key comes from, and why"
        case .import: "turn the config file of another gateway into one for headgate"
        case .service: "make headgate a service of systemd, or end that"
        case .mock: "serve a mock OpenAI upstream, for trying things out"
        case .version: "print the version"
        case .help: "explain a command"
        }
    }

    static var overview: String {
        let lines = allCases.map { verb in
            "  \(verb.rawValue)" + String(repeating: " ", count: 12 - verb.rawValue.count) + verb.summary
        }
        return """
            headgate: a reverse proxy for OpenAI-compatible APIs, driven by one file

            usage: headgate COMMAND [OPTIONS]

            \(lines.joined(separator: "\n"))

            `headgate COMMAND --help` explains a command. The config file is -c FILE, before or after the
            command; without it ./headgate.yaml, then /etc/headgate/headgate.yaml.

            The running headgate is found by its admin socket: --admin PATH, $HEADGATE_ADMIN,
            $RUNTIME_DIRECTORY/admin.sock, /run/headgate/admin.sock, or one named for the config file below
            $XDG_RUNTIME_DIR/headgate (/tmp/headgate-UID where there is none).
            """
    }

    var help: String {
        switch self {
        case .run: Verb.runHelp
        case .bind: Verb.bindHelp
        case .check: Verb.checkHelp
        case .plan: PlanCommand.help
        case .reload: Verb.reloadHelp
        case .upgrade: Verb.upgradeHelp
        case .status: StatusCommand.help
        case .generations: GenerationsCommand.help
        case .schema:
            "usage: headgate schema\n\nPrints the JSON Schema of the config file. \(Verb.schemaHint)"
        case .version: "usage: headgate version\n\nPrints the version."
        case .help: "usage: headgate help [COMMAND]\n\nExplains a command."
        case .token: TokenCommand.help
        case .user: UserCommand.help
        case .apikey: APIKeyCommand.help
        case .key: KeyCommand.help
        case .db: DatabaseCommand.help
        case .usage: UsageCommand.help
        case .explain: ExplainCommand.help
        case .import: ImportCommand.help
        case .service: ServiceCommand.help
        case .mock: MockCommand.help
        }
    }

    private static let schemaHint = """
        Editors complete and check a file that begins with
          # yaml-language-server: $schema=./headgate.schema.json
        """

    static let configHelp =
        "  -c, --config FILE   the config file (default ./headgate.yaml, then /etc/headgate/headgate.yaml)"
    static let setHelp = """
          --set PATH=VALUE    sets a single value of the file, such as listeners.public=0.0.0.0:9000 or
                              routes[0].auth=open; may stand several times
        """
    static let adminHelp = """
          --admin PATH        the admin socket; without it, where `headgate help` says
        """

    private static let runHelp = """
        usage: headgate run [-c FILE] [--set PATH=VALUE]... [--admin PATH] [--mock HOST:PORT]

        Serves what the file says, until SIGTERM or SIGINT: then running requests may finish within
        `process.drain_timeout`; a second signal ends at once. The file and everything that it names is
        watched: a change is served as soon as it is valid, without breaking anything that runs. SIGHUP
        reloads; SIGUSR1 reopens the access log; SIGUSR2 upgrades, as `headgate upgrade` does.

        \(configHelp)
        \(setHelp)
        \(adminHelp)
          --mock HOST:PORT    serve a mock OpenAI upstream there as well, in the same process

        exit: 0 stopped as asked, 1 failed, 2 wrong command line, 78 the file is wrong
        """

    private static let bindHelp = """
        usage: headgate bind [-c FILE] [--set PATH=VALUE]...

        For ExecStartPre=+ of a systemd unit, which runs it as root: binds the TCP listeners of the file, leaves
        them in the unit's descriptor store (FileDescriptorStoreMax=), and ends. The daemon, which needs no
        privileges then, finds them there, also after a restart. systemd/headgate.service does it so.

        \(configHelp)
        \(setHelp)

        exit: 0 bound, or the file is wrong, which `run` reports; 1 not
        """

    private static let checkHelp = """
        usage: headgate check [FILE] [--set PATH=VALUE]... [--json]

        Says everything that is wrong with the file and what it names, with line and column. Binds nothing,
        asks no name server, changes nothing.

        \(configHelp)
        \(setHelp)
          --json              the diagnostics as one JSON object

        exit: 0 good (there may be warnings), 1 not
        """

    private static let reloadHelp = """
        usage: headgate reload [-c FILE] [--admin PATH] [--json]

        Makes the running headgate read its files again and waits until every worker serves the new
        generation. Where the files are wrong, nothing changes, and their problems are printed.

        \(configHelp)
        \(adminHelp)
          --json              the outcome as one JSON object

        exit: 0 served (or unchanged), 1 not
        """

    private static let upgradeHelp = """
        usage: headgate upgrade [-c FILE] [--admin PATH] [--json]

        Has the running headgate start the program's file anew, as it is on disk now, with the arguments of its
        own start. The new process reads the config file, takes over the sockets, the connections on which
        nothing runs, and what limits have counted; the old one finishes its requests, however long they take,
        and ends. Where the new one cannot start, nothing changes. SIGUSR2 does the same.

        What a start reads once (variables of the environment, `process:`) is that of the old process.

        \(configHelp)
        \(adminHelp)
          --json              the outcome as one JSON object

        exit: 0 the new process serves, 1 the old one goes on
        """
}
