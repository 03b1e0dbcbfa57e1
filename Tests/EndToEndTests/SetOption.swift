import Testing

@testable import CLI

/// `--set PATH=VALUE`: a single value of the file, from the command line.
@Suite(.scenario) struct SetOption {
    private static let config = """
        upstreams: { up: http://127.0.0.1:9 }
        routes:
          - { path: /a, auth: open, respond: { text: "${WORD:-none}" } }

        """

    @Test func `it is served, and goes on over a reload`() throws {
        let gate = try Gate(
            Self.config, options: ["--set", "routes[0].respond.text=set ${WORD:-none}"],
            environment: ["WORD=up"])
        #expect(try gate.exchange("GET", "/a").text == "set up")
        try gate.folder.replace(
            Gate.configName, with: gate.folder.read(Gate.configName).replacing("/a,", with: "/b,"))
        #expect(try gate.reload().code == 0)
        #expect(try gate.exchange("GET", "/b").text == "set up")
        #expect(try gate.exchange("GET", "/a").status == 404)
    }

    @Test func `what is wrong with it is told at its place, for run and for check`() throws {
        let folder = try Folder()
        try folder.write(
            "gate.yaml", "version: 1\nlisteners: { main: 127.0.0.1:8000 }\n" + Gate.open + "\n" + Self.config)
        let path = folder("gate.yaml")
        let problem = """
            --set:2:16: error: auth `opne` is not defined (defined: open)
                2 | routes[0].auth=opne
                  |                ^^^^ did you mean `open`?
            """
        for command in [["check", path], ["run", "-c", path, "--admin", folder("admin.sock")]] {
            let result = try run(
                [Gate.program] + command + [
                    "--set", "listeners.main=127.0.0.1:8001", "--set", "routes[0].auth=opne",
                ],
                in: folder)
            #expect(result.code == (command[0] == "run" ? 78 : 1))
            #expect(result.errors.contains(problem), "\(result.errors)")
        }
        let wrong = try run([Gate.program, "check", path, "--set", "listeners"], in: folder)
        #expect(wrong.code == 2 && wrong.errors.contains("`--set` needs PATH=VALUE"))
    }

    /// A secret that is set must not show where it stands wrong.
    @Test func `a secret is masked`() throws {
        let folder = try Folder()
        try folder.write(
            "gate.yaml", "version: 1\nlisteners: { main: 127.0.0.1:8000 }\n" + Gate.open + "\n" + Self.config)
        let result = try run(
            [Gate.program, "check", folder("gate.yaml"), "--set", "upstreams.up.key=canary\u{1}4711"],
            in: folder)
        #expect(!result.errors.contains("canary") && !result.output.contains("canary"), "\(result.errors)")
    }
}
