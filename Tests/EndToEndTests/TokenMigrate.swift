import Glibc
import Testing

@testable import CLI

/// `headgate token migrate`: the file of another program, with tokens in clear, becomes one without.
@Suite(.scenario) struct TokenMigrate {
    private static let file = "data/api_tokens.json"
    private static let active = "sk-" + String(repeating: "a1", count: 32)
    private static let revoked = "sk-" + String(repeating: "b2", count: 32)
    private static let content = """
        {
          "\(active)": {
            "name": "web app",
            "created_at": "2025-11-26T10:30:00.123456",
            "last_used": null,
            "active": true
          },
          "\(revoked)": {"name": "old\\u001b[2J", "created_at": "2025-11-25T15:20:00", "last_used": null,
            "active": false}
        }
        """

    private func folder() throws -> Folder {
        let folder = try Folder()
        try folder.makeFolder("data")
        try folder.write(Self.file, Self.content)
        return folder
    }

    private func migrate(_ folder: Folder, _ more: String...) throws -> (
        code: Int32, output: String, errors: String
    ) {
        try run(
            ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, Gate.program, "token", "migrate"]
                + more, in: folder)
    }

    /// S0-21, C19
    @Test func `a trial tells what would be done, migrate does it, once`() throws {
        let folder = try folder()
        chmod(folder(Self.file), 0o640)
        let trial = try migrate(folder, "--dry-run")
        #expect(trial.code == 0 && trial.errors == "")
        #expect(
            trial.output == """
                sk-a1a1a1a1a1a1... (web app)
                sk-b2b2b2b2b2b2... (old\u{FFFD}[2J)
                2 tokens would be kept as SHA-256; nothing was changed

                """)
        #expect(folder.read(Self.file) == Self.content)
        let done = try migrate(folder)
        #expect(done.code == 0)
        #expect(done.output.hasSuffix("\n✓ 2 tokens kept as SHA-256 now; no copy of the old file was left\n"))
        for text in [trial.output, done.output, folder.read(Self.file)] {
            for token in [Self.active, Self.revoked] { #expect(!text.contains(token.dropFirst(15))) }
        }
        var status = stat()
        #expect(stat(folder(Self.file), &status) == 0 && status.st_mode & 0o777 == 0o640)
        let again = try migrate(folder)
        #expect(again.code == 0 && again.output == "nothing to migrate: no token is in clear\n")
        let listed = try run([Gate.program, "token", "list", "--file", folder(Self.file)], in: folder)
        #expect(listed.output.contains("1. sk-a1a1a1a1a1a1...\n   Name: web app\n   Status: ✓ Active\n"))
        #expect(listed.output.contains("   Status: ✗ Revoked\n   Created: 2025-11-25T15:20:00\n"))
    }

    @Test func `with json it speaks to programs, and what is no token file is left alone`() throws {
        let folder = try folder()
        let trial = try parseJSON(migrate(folder, "--dry-run", "--json").output)
        #expect(trial["dry_run"] == true && trial["migrated"]?.arrayValue?.count == 2)
        let done = try parseJSON(migrate(folder, "--json").output)
        #expect(done["dry_run"] == false)
        #expect(try done["migrated"]?.arrayValue?.first?.text("prefix") == String(Self.active.prefix(15)))
        #expect(try parseJSON(migrate(folder, "--json").output)["migrated"]?.arrayValue == [])
        try folder.write("broken.json", "{\"\(Self.active)\": 1}")
        let wrong = try migrate(folder, "--file", "broken.json")
        #expect(wrong.code == 1 && wrong.output.contains("an entry that is none"))
        #expect(!wrong.output.contains(Self.active))
        #expect(folder.read("broken.json") == "{\"\(Self.active)\": 1}")
        let none = try migrate(folder, "--file", "none.json")
        #expect(none.code == 0 && none.output.hasPrefix("nothing to migrate") && !folder.exists("none.json"))
    }

    /// S0-18, S0-34: clients go on with the tokens that they have.
    @Test func `a running gateway accepts the same tokens before and afterwards`() throws {
        let folder = try folder()
        let gate = try Gate(
            """
            access_log: off
            auth: { apps: { mode: token-file, file: \(Self.file), on_revoke: cut } }
            routes: [{ path: /**, auth: apps, respond: { text: in } }]
            """, folder: folder)
        func status(_ token: String) throws -> Int {
            try gate.exchange(fields: ["Authorization: Bearer \(token)"]).status
        }
        #expect(try status(Self.active) == 200 && status(Self.revoked) == 401)
        #expect(try migrate(folder).code == 0)
        let began = Clock.seconds
        while Clock.seconds < began + 1.5 {
            #expect(try status(Self.active) == 200)
            #expect(try status(Self.revoked) == 401)
        }
        let made = try run(
            [Gate.program, "token", "revoke", "sk-a1a1", "--file", folder(Self.file)], in: folder)
        #expect(made.code == 0)
        try waitUntil("the revoked token to be refused") { try status(Self.active) == 401 }
        #expect(try gate.generation() == 1)
    }
}
