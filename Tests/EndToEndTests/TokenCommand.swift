import Glibc
import JSON
import Testing

@testable import CLI

/// `headgate token`: with the words and lines of the tool whose place it takes.
@Suite(.scenario) struct TokenCommand {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// In the folder of the test.
    @discardableResult
    private func token(_ arguments: String...) throws -> (code: Int32, output: String, errors: String) {
        try run(
            ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, Gate.program, "token"] + arguments,
            in: folder)
    }

    private let file = "data/api_tokens.json"

    private func tokens(_ output: String) -> [String] {
        output.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init).filter {
            $0.hasPrefix("sk-") && $0.count == 67
        }
    }

    // S0-01 … S0-06
    @Test func `create shows the token once, with the lines to use it by`() throws {
        let result = try token("create", "production web-app")
        #expect(result.code == 0 && result.errors == "")
        let made = try #require(tokens(result.output).first)
        #expect(made.wholeMatch(of: /sk-[0-9a-f]{64}/) != nil)
        #expect(
            result.output == """

                ✓ New token created: \(made)
                  Name: production web-app

                ⚠️  Save this token securely - it won't be shown again!

                To use this token, add it to your .env file:
                  FREEGPT_API_KEY=\(made)

                Or use it in API requests:
                  Authorization: Bearer \(made)

                """)
        for arguments in [["list"], ["list", "--json"]] {
            let listed = try run(
                ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, Gate.program, "token"] + arguments,
                in: folder)
            #expect(!listed.output.contains(made.dropFirst(15)))
            #expect(listed.output.contains(made.prefix(15)))
        }
        #expect(!folder.read(file).contains(made.dropFirst(15)))
        #expect(try token("create").output.contains("\n  Name: default\n"))
        #expect(try token("create", "production web-app").code == 0, "names need not be unique")
    }

    // S0-07 … S0-12, C18
    @Test func `list shows numbered blocks`() throws {
        #expect(try token("list").output == "No tokens found.\n")
        try folder.makeFolder("data")
        try folder.write(
            file,
            """
            {"sk-a1b2c3d4e5f60718a1b2c3d4e5f60718": {"name": "my-application", "active": true,
             "created_at": "2025-11-26T10:30:00.123456", "last_used": "2025-11-26T11:45:23.5"},
             "sk-0918273645546372819009182736455463": {"name": "mobile\\u001b[2J", "active": false,
             "created_at": "2025-11-25T15:20:00", "last_used": null}}
            """)
        let result = try token("list")
        #expect(result.code == 0 && result.errors == "")
        #expect(
            result.output == """

                Found 2 token(s):

                1. sk-a1b2c3d4e5f6...
                   Name: my-application
                   Status: ✓ Active
                   Created: 2025-11-26T10:30:00
                   Last used: 2025-11-26T11:45:23

                2. sk-091827364554...
                   Name: mobile\u{FFFD}[2J
                   Status: ✗ Revoked
                   Created: 2025-11-25T15:20:00
                   Last used: Never


                """)
    }

    // S0-13 … S0-15
    @Test func `revoke keeps it in the list, delete does not`() throws {
        let made = try #require(tokens(try token("create", "web").output).first)
        let other = try #require(tokens(try token("create", "ci").output).first)
        let shown = made.prefix(15)
        let revoked = try token("revoke", "\(shown)...")
        #expect(revoked.code == 0)
        #expect(revoked.output == "✓ Token starting with '\(shown)' has been revoked\n")
        #expect(try token("list").output.contains("\(shown)...\n   Name: web\n   Status: ✗ Revoked\n"))
        #expect(
            try token("list").output.contains("\(other.prefix(15))...\n   Name: ci\n   Status: ✓ Active\n"))
        let deleted = try token("delete", String(shown))
        #expect(deleted.output == "✓ Token starting with '\(shown)' has been permanently deleted\n")
        let left = try token("list").output
        #expect(left.contains("Found 1 token(s):") && !left.contains(shown))
        // A whole token is not repeated.
        let whole = try token("delete", other)
        #expect(whole.code == 0 && !whole.output.contains(other))
    }

    // S0-16, C17
    @Test func `what matches nothing or several is refused`() throws {
        try token("create", "one")
        try token("create", "two")
        let before = folder.read(file)
        for verb in ["revoke", "delete"] {
            let none = try token(verb, "sk-nope")
            #expect(none.code == 1)
            #expect(none.output == "✗ No token found starting with 'sk-nope'\n")
            let several = try token(verb, "sk-")
            #expect(several.code == 1)
            #expect(several.output.contains("(one)") && several.output.contains("(two)"))
            #expect(try token(verb, "").code == 1)
            #expect(try token(verb, "...").code == 1)
        }
        #expect(folder.read(file) == before)
    }

    // S0-16
    @Test(arguments: [[], ["frobnicate"], ["revoke"], ["delete"], ["list", "extra"], ["create", "a", "b"]])
    func `a wrong use is answered with usage and exit 1`(arguments: [String]) throws {
        let result = try run([Gate.program, "token"] + arguments, in: folder)
        #expect(result.code == 1)
        #expect(result.output == "")
        #expect(result.errors.contains("\nusage: headgate token create [NAME]\n"))
        #expect(result.errors.contains("\n       headgate token revoke PREFIX\n"))
    }

    @Test func `with json it speaks to programs`() throws {
        func json(_ arguments: String...) throws -> (code: Int32, value: JSONValue) {
            let result = try run(
                ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, Gate.program, "token", "--json"]
                    + arguments, in: folder)
            #expect(result.errors == "")
            return (result.code, try JSONValue.parse(Array(result.output.utf8)))
        }
        #expect(try json("list").value["tokens"] == .array([]))
        let made = try json("create", "ci").value
        let prefix = try #require(made["prefix"]?.text)
        #expect(made["token"]?.text?.hasPrefix(prefix) == true && made["name"]?.text == "ci")
        #expect(try json("revoke", prefix).value["revoked"]?["active"] == .bool(false))
        let listed = try json("list").value["tokens"]?.items
        #expect(
            listed?.count == 1 && listed?[0]["prefix"]?.text == prefix && listed?[0]["last_used"] == .null)
        let wrong = try json("delete", "nope")
        #expect(wrong.code == 1)
        #expect(wrong.value["error"]?.text == "No token found starting with 'nope'")
        #expect(try json("delete", prefix).value["deleted"]?["name"]?.text == "ci")
    }

    // C38
    @Test func `commands at the same time lose nothing`() throws {
        let processes = try (0..<20).map { index in
            try ChildProcess(
                [Gate.program, "token", "create", "\(index)", "--file", folder(file)], in: folder)
        }
        for process in processes { #expect(try process.waitForExit() == 0, "\(process.errors)") }
        #expect(try token("list").output.contains("Found 20 token(s):"))
    }

    @Test func `a file that is none is left alone`() throws {
        try folder.write("broken.json", "{\"sk-0123456789abcdef\": ")
        for arguments in [["list"], ["create"], ["revoke", "sk-"]] {
            let result = try run(
                [Gate.program, "token"] + arguments + ["--file", folder("broken.json")], in: folder)
            #expect(result.code == 1)
            #expect(result.output.contains("is not JSON") && !result.output.contains("sk-0"))
        }
        #expect(folder.read("broken.json") == "{\"sk-0123456789abcdef\": ")
    }

    // MARK: Which file

    private func config(_ auth: String) throws -> String {
        try folder.makeFolder("etc")
        try folder.write(
            "etc/gate.yaml",
            """
            version: 1
            env_file: for-the-daemon-alone.env
            listeners: { main: 127.0.0.1:8000 }
            auth: { \(auth) }
            upstreams: { openai: https://api.openai.com/v1 }
            routes:
              - path: /v1/**
                auth: open
                to: openai
                request_headers: { set: { Authorization: { env: KEY_THAT_IS_NOT_SET } } }

            """)
        return folder("etc/gate.yaml")
    }

    @Test func `the config file says which file, whatever else is wrong with it`() throws {
        let path = try config("open: { mode: none }, apps: { mode: token-file, file: tokens/t.json }")
        #expect(try token("-c", path, "create", "a").code == 0)
        #expect(folder.read("etc/tokens/t.json").contains("\"name\": \"a\""))
        let before = try run([Gate.program, "-c", path, "token", "list", "--auth", "apps"], in: folder)
        #expect(before.output.contains("Found 1 token(s):"))
        let wrong = try token("list", "-c", path, "--auth", "open")
        #expect(wrong.code == 1)
        #expect(wrong.errors.contains("no `auth` entry `open` of mode `token-file`"))
    }

    @Test func `of several files one is chosen`() throws {
        let path = try config(
            "open: { mode: none }, a: { mode: token-file, file: a.json }, b: { mode: token-file, file: b.json }"
        )
        let unclear = try token("create", "-c", path)
        #expect(unclear.code == 1)
        #expect(unclear.errors.contains("several token files; choose by --auth NAME: a, b"))
        #expect(try token("create", "-c", path, "--auth", "b").code == 0)
        #expect(access(folder("etc/b.json"), F_OK) == 0 && access(folder("etc/a.json"), F_OK) != 0)
    }

    @Test func `a config file without tokens or that is not there says so`() throws {
        let none = try token("list", "-c", try config("open: { mode: none }"))
        #expect(none.code == 1)
        #expect(
            none.errors.contains("no `auth` entry of mode `token-file`")
                && none.errors.contains("--file PATH"))
        let missing = try token("list", "-c", folder("none.yaml"))
        #expect(missing.code == 1)
        #expect(missing.errors.contains("none.yaml: no such file"))
    }
}
