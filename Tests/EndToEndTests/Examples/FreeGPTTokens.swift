import Glibc
import Testing

@testable import CLI

/// FreeGPT's tokens and its three modes, through `examples/freegpt.yaml`, by the verbs of `token_manager.py`.
@Suite(.scenario) struct FreeGPTTokens {
    private static let file = "data/api_tokens.json"
    private static let curl = #"""
        curl -X POST http://localhost:8000/v1/chat/completions -H "Content-Type: application/json" \
          -d '{"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello!"}]}'
        """#

    private func status(_ example: Example, _ token: String?) throws -> Int {
        try example.curl(Self.curl + (token.map { " -H 'Authorization: Bearer \($0)'" } ?? "")).status
    }

    /// S0-28, S0-31, C11, C13, C44: written down in the example, and told loudly.
    @Test func `nobody configured: everybody comes in, with a key and without one`() throws {
        let example = try Example("freegpt") { try $0.folder.write(".env", "FREEGPT_API_KEY=\n") }
        #expect(try status(example, nil) == 200)
        #expect(try status(example, "sk-anything") == 200)
        #expect(example.upstream.keysSeen == ["none", "none"], "nobody's key goes on")
        #expect(example.log.contains("EVERYBODY IS LET IN"))
        // S0-50, C20: a key in `.env` is taken from there, without a restart.
        try example.folder.replace(".env", with: "FREEGPT_API_KEY=sk-from-the-file\n")
        try waitUntil("the gate to close") { try status(example, nil) == 401 }
        #expect(try status(example, "sk-from-the-file") == 200)
        try example.folder.replace(".env", with: "FREEGPT_API_KEY=\n")
        #expect(try holds(for: 0.5) { try status(example, nil) == 401 }, "no edit opens it")
        try example.reload()
        #expect(try status(example, nil) == 200)
    }

    /// S0-29, S0-35, C14: the first variable that is set is the key.
    @Test func `a variable alone: only that key works`() throws {
        let example = try Example("freegpt", ["OPENAI_API_KEY=sk-second"])
        #expect(try status(example, "sk-second") == 200)
        #expect(try status(example, "sk-first") == 401 && status(example, nil) == 401)
        try example.restart(["FREEGPT_API_KEY=sk-first"])
        #expect(try status(example, "sk-first") == 200)
        #expect(try status(example, "sk-second") == 401, "the first that is set wins")
        try example.restart(["FREEGPT_API_KEY="])
        #expect(try status(example, "sk-second") == 200, "an empty one is not set")
        #expect(try example.succeed("token", "list") == "No tokens found.\n")
        let revoked = try example.headgate(["token", "revoke", "sk-second"])
        #expect(revoked.code == 1)
        #expect(revoked.output == "✗ No token found starting with 'sk-second'\n")
    }

    /// S0-01…06, S0-17…20, S0-30: one token for each client, and the rotation of one without a gap.
    @Test func `tokens and a variable: clients come and go one by one`() throws {
        let example = try Example("freegpt", ["FREEGPT_API_KEY=sk-from-the-environment"])
        var tokens: [String: String] = [:]
        for name in ["production-web-app", "john-dev-testing", "webapp production"] {
            let made = try example.sh("headgate token create \"\(name)\" -c \(example.file)")
            #expect(made.code == 0 && made.output.contains("  Name: \(name)\n"), "\(made.errors)")
            #expect(made.output.contains("won't be shown again!"))
            tokens[name] = made.output.firstMatch(of: /sk-[0-9a-f]{64}/).map { String($0.output) }
        }
        #expect(example.folder.exists(Self.file))
        for token in tokens.values {
            try waitUntil("the token to be good") { try status(example, token) == 200 }
        }
        #expect(try status(example, "sk-from-the-environment") == 200)
        let old = try #require(tokens["production-web-app"])
        let new = try example.json("token", "create", "production-web-app").text("token")
        try waitUntil("the new one to be good") { try status(example, new) == 200 }
        #expect(try status(example, old) == 200)
        _ = try example.succeed("token", "revoke", String(old.prefix(14)))
        try waitUntil("the old one to be refused") { try status(example, old) == 401 }
        #expect(try status(example, new) == 200)
        #expect(try status(example, tokens["john-dev-testing"]) == 200)
        #expect(try example.status()?["generation"]?["number"] == 1, "no reload, no restart")
        #expect(!example.log.contains(old) && !example.log.contains(new))
    }

    /// S0-07…16, S0-24, C17, C18, C37, C38: what `list` shows is what `revoke` and `delete` take.
    @Test func `the list tells of use, and its prefixes are enough`() throws {
        let example = try Example("freegpt")
        let used = try example.json("token", "create", "my-application").text("token")
        let idle = try example.json("token", "create", "mobile-app").text("token")
        try example.reload()
        let generation = try example.status()?["generation"]?["number"]
        #expect(try status(example, used) == 200)
        try waitUntil("the use to be told") {
            try example.succeed("token", "list").contains(
                /Name: my-application\n   Status: ✓ Active\n   Created: .*\n   Last used: 20\d\d-/)
        }
        let list = try example.succeed("token", "list")
        #expect(list.contains("Found 2 token(s):\n\n1. \(used.prefix(15))...\n"), "\(list)")
        let time = /Created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\n/
        #expect(list.matches(of: time).count == 2 && list.contains("Last used: Never\n"))
        let shown = try #require(list.firstMatch(of: /2\. (sk-[0-9a-f]+)\.\.\./)).output.1
        #expect(idle.hasPrefix(shown))
        _ = try example.succeed("token", "revoke", String(shown))
        try waitUntil("it to be refused") { try status(example, idle) == 401 }
        #expect(try example.succeed("token", "list").contains("Name: mobile-app\n   Status: ✗ Revoked\n"))
        _ = try example.succeed("token", "delete", String(shown))
        #expect(try example.succeed("token", "list").contains("Found 1 token(s):"))
        #expect(try status(example, used) == 200)
        #expect(
            try holds(for: 1.2) { try !example.succeed("token", "list").contains(shown) }, "a delete stays")
        for wrong in ["sk-nope", "", "..."] {
            #expect(try example.headgate(["token", "delete", wrong]).code == 1)
        }
        _ = try example.succeed("token", "create", "another")
        #expect(try example.headgate(["token", "revoke", "sk-"]).code == 1, "it may be either")
        #expect(try example.headgate(["token", "frobnicate"]).code == 1)
        #expect(
            try example.status()?["generation"]?["number"] == generation,
            "what is written here reloads nothing")
    }

    /// S0-21, C19: the file of FreeGPT is read as it is.
    @Test func `the old file goes on, and new entries have no token in them`() throws {
        let example = try Example("freegpt") {
            try $0.folder.makeFolder("data")
            try $0.folder.write(
                Self.file,
                """
                {
                  "sk-0123456789abcdef0123456789abcdef": {
                    "name": "old", "created_at": "2025-11-26T10:30:00.123456", "last_used": null, "active": true
                  }
                }
                """)
        }
        #expect(try status(example, "sk-0123456789abcdef0123456789abcdef") == 200)
        #expect(try status(example, nil) == 401)
        let made = try example.json("token", "create", "new").text("token")
        try waitUntil("the new one to be good") { try status(example, made) == 200 }
        let text = example.folder.read(Self.file)
        #expect(text.contains("sk-0123456789abcdef0123456789abcdef") && text.contains("\"sha256:"))
        #expect(text.contains("\"prefix\": \"\(made.prefix(15))") && !text.contains(made))
    }

    /// S0-26, S0-32, C11: both go, and a restart opens the gate; nothing else does.
    @Test func `without the variables and the file a restart disables authentication`() throws {
        let (example, token) = try FreeGPTClients.makeScene()
        #expect(try status(example, token) == 200 && status(example, nil) == 401)
        let moved = try example.sh("mv data/api_tokens.json data/api_tokens.json.backup")
        #expect(moved.code == 0)
        try waitUntil("its tokens to be refused", within: 5) { try status(example, token) == 401 }
        #expect(try holds(for: 0.5) { try status(example, nil) == 401 })
        try example.restart()
        #expect(try status(example, nil) == 200 && status(example, token) == 200)
        #expect(example.log.contains("EVERYBODY IS LET IN"))
    }

    /// S0-13, C11: a token that is revoked is still an entry.
    @Test func `revoking the last token never opens the gate, not even over a restart`() throws {
        let (example, token) = try FreeGPTClients.makeScene()
        _ = try example.succeed("token", "revoke", String(token.prefix(15)))
        try waitUntil("the token to be refused") { try status(example, token) == 401 }
        try example.restart()
        #expect(try status(example, nil) == 401 && status(example, token) == 401)
    }

    /// S0-22, C11: a missing file has no tokens; one that is no JSON lets nobody in, and does not end the
    /// process.
    @Test func `a file that is broken is told, and closes the gate`() throws {
        let example = try Example("freegpt") {
            try $0.folder.makeFolder("data")
            try $0.folder.write(Self.file, "{\"sk-")
        }
        for key in [nil, "sk-any"] { #expect(try [401, 503].contains(status(example, key))) }
        #expect(example.log.contains("api_tokens.json"))
        try example.folder.replace(Self.file, with: "{}")
        try example.reload()
        #expect(try status(example, nil) == 200)
    }

    /// S0-23: what cannot be written down does not keep anybody out.
    @Test func `a token is good though its use cannot be noted`() throws {
        let example = try Example("freegpt", starts: false)
        let token = try example.json("token", "create", "my-application").text("token")
        #expect(chmod(example.folder(Self.file), 0o400) == 0 && chmod(example.folder("data"), 0o500) == 0)
        defer { chmod(example.folder("data"), 0o700) }
        // Why: modes do not bind root, unless it may not overrule them.
        let mask = geteuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set=-dac_override"] : []
        try example.start(prefix: mask)
        let before = example.folder.read(Self.file)
        #expect(try holds(for: 1.5) { try status(example, token) == 200 })
        #expect(example.folder.read(Self.file) == before)
    }
}
