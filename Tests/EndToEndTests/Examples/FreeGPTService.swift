import Glibc
import Testing

@testable import CLI

/// How FreeGPT is run, through `examples/freegpt.yaml`. Under systemd: `Tests/Systemd`.
@Suite(.scenario) struct FreeGPTService {
    /// S0-49, S0-51, S0-53, S0-58, S0-59: by hand, with the same `.env`; what it says goes to the terminal.
    @Test func `in the foreground with the settings of the file of variables`() throws {
        let example = try Example("freegpt", starts: false)
        try example.folder.write(".env", "FREEGPT_API_KEY=sk-key\nUPSTREAM_API_KEY=sk-custom\n")
        try example.start()
        #expect(example.log.contains("listening on http://\(example.address.authority)"), "\(example.log)")
        #expect(try example.get("/health").status == 200)
        #expect(try example.post("/v1/completions", #"{"model":"m"}"#, bearer: "sk-key").status == 200)
        #expect(example.upstream.keysSeen == ["sk-custom"])
        try example.stop()
        let wrong = try example.headgate([
            "run", "--admin", example.adminPath, "--set", "routes[0].auth=nobody",
        ])
        #expect(wrong.code != 0 && wrong.errors.contains("nobody"), "\(wrong.errors)")
    }

    /// S0-52.
    @Test func `a port in use is told, and is a failure`() throws {
        let example = try Example("freegpt")
        let second = try example.headgate(["run", "--admin", example.folder("second.sock")])
        #expect(second.code != 0)
        #expect(second.errors.contains("address already in use"), "\(second.errors)")
        #expect(second.errors.contains("\(example.address.port)"))
        #expect(try example.get("/health").status == 200)
    }

    /// S0-54, C20: the unit has no `EnvironmentFile=`; the file of variables is read by the gateway itself.
    @Test func `the file of variables is the gateway's own, and private`() throws {
        let example = try Example("freegpt") {
            try $0.folder.write(".env", "FREEGPT_API_KEY=sk-key\n")
            guard chmod($0.folder(".env"), 0o644) == 0 else { throw Trouble("chmod") }
        }
        #expect(example.log.contains(".env can be read by others (mode 644): run `chmod 600 .env`"))
        let plan = try example.sh(
            "headgate service install --dry-run --name freegpt-api --user root --directory \"$PWD\"")
        #expect(plan.code == 0, "\(plan.errors)")
        #expect(!plan.output.contains("EnvironmentFile="), "\(plan.output)")
        for line in [
            "WorkingDirectory=\(example.folder.path)", "User=root", "Restart=always",
            "SyslogIdentifier=freegpt-api",
        ] {
            #expect(plan.output.contains(line), "\(line) in \(plan.output)")
        }
        #expect(plan.output.contains("ExecReload=") && plan.output.contains(" reload"))
    }

    /// S0-56: the client that a proxy of this machine names is the client.
    @Test func `a proxy in front tells whom it speaks for`() throws {
        let example = try Example("freegpt", ["HOST=127.0.0.1"], starts: false)
        let free = try Address.free(on: "127.0.0.1")
        try example.start(["PORT=\(free.port)"], options: ["--set", "access_log.to=./access.log"])
        let reply = try example.curl(
            "curl http://127.0.0.1:\(free.port)/health -H 'Host: api.example.com' -H 'X-Real-IP: 203.0.113.7'"
        )
        #expect(reply.status == 200)
        try waitUntil("the client in the log") {
            example.folder.read("access.log").contains("203.0.113.7")
        }
    }

    /// S0-55: who may connect is a line of the listener.
    @Test func `one subnet may be let in alone`() throws {
        let example = try Example("freegpt", starts: false)
        let text = readFile("\(Project.path)/\(example.file)") ?? ""
        let bind = "bind: \"${HOST:-0.0.0.0}:${PORT:-8000}\""
        for (allow, isIn) in [("127.0.0.1", true), ("192.168.1.0/24", false)] {
            let edited = text.replacing(bind, with: bind + ", allow: [\(allow)]")
            #expect(edited != text)
            try example.folder.write("allow.yaml", edited)
            let checked = try example.sh("headgate check -c allow.yaml")
            #expect(checked.code == 0, "\(checked.errors)")
            let process = try ChildProcess(
                [
                    "/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", example.folder.path, Gate.program, "run",
                    "-c",
                    "allow.yaml", "--admin", example.adminPath,
                ],
                environment: ["HOST=127.0.0.1", "PORT=\(example.address.port)"], in: example.folder)
            try waitUntil("it to serve") { try example.status()?["generation"]?["number"] != nil }
            let reply = try example.sh(
                "curl -o body -w '%{http_code}' http://127.0.0.1:\(example.address.port)/health")
            #expect(reply.output == (isIn ? "200" : "403"), "\(allow): \(reply.errors)")
            process.end()
        }
    }
}
