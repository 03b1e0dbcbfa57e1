import Glibc
import Testing

@testable import CLI

/// `headgate plan` says whom a reload touches. Then the reload comes, and it is those, and no others.
@Suite(.scenario) struct PlanBeforeReload {
    private struct Scene {
        let isEnding = Signal()
        let gate: Gate
        let second: Address
        private let up: ScriptedUpstream
        private let other: ScriptedUpstream

        init() throws {
            up = try ScriptedUpstream.streaming("up", until: isEnding)
            other = try ScriptedUpstream.streaming("other", until: isEnding)
            second = try Address.free()
            let folder = try Folder()
            try folder.write(".env", "KEY_ONE=key-of-one\nKEY_TWO=key-of-two\n")
            gate = try Gate(Scene.config(second, up, other), folder: folder)
        }

        /// - Parameter isEdited: without the second listener and one key, and with another way for `moved`.
        private static func config(
            _ second: Address, _ up: ScriptedUpstream, _ other: ScriptedUpstream, isEdited: Bool = false
        ) -> String {
            """
            process: { workers: 2 }
            access_log: off
            env_file: .env
            listeners: { main: $LISTEN\(isEdited ? "" : ", second: \"\(second)\"") }
            auth:
              open: { mode: none, ignore_credentials: true }
              apps: { mode: env-key, variables: [\(isEdited ? "" : "KEY_ONE, ")KEY_TWO], match: any, on_revoke: cut }
            upstreams: { up: \(up.url), other: \(other.url) }
            routes:
              - { path: /stream, headers: { X-Kind: kept }, auth: open, to: up }
              - { path: /stream, headers: { X-Kind: moved }, auth: open, to: \(isEdited ? "other" : "up") }
              - { path: /stream, headers: { X-Kind: key }, auth: apps, to: up }
            """
        }

        var edited: String { Scene.config(second, up, other, isEdited: true) }

        func streams(_ kind: String, _ count: Int, key: String? = nil, at address: Address? = nil) throws
            -> [Stream]
        {
            let credential = key.map { ["Authorization: Bearer \($0)"] } ?? []
            return try (0..<count).map { number in
                let stream = try Stream(
                    gate, number: number, at: address, fields: ["X-Kind: \(kind)"] + credential)
                try stream.waitForEvents(2)
                return stream
            }
        }

        func ask(_ arguments: String...) throws -> MockJSON {
            let result = try run(
                [Gate.program] + arguments + ["--admin", gate.adminPath, "--json"], in: gate.folder)
            guard result.code == 0 else { throw Trouble("\(arguments): \(result.output)\(result.errors)") }
            return try parseJSON(result.output)
        }

        /// Members of the generation with this number.
        func generation(_ number: Int) throws -> MockJSON? {
            try ask("generations")["generations"]?.arrayValue?.first { $0["number"]?.integerValue == number }
        }
    }

    @Test func `the streams that a plan names are touched by the reload, and no others`() throws {
        let scene = try Scene()
        let kept = try scene.streams("kept", 3)
        let moved = try scene.streams("moved", 4)
        let leaving = try scene.streams("kept", 2, at: scene.second)
        let revoked = try scene.streams("key", 2, key: "key-of-one")
        let staying = try scene.streams("key", 3, key: "key-of-two")
        let next = scene.gate.folder("next.yaml")
        try scene.gate.folder.write(
            "next.yaml", Gate.whole(scene.edited, scene.gate.address, scene.gate.folder))

        let plan = try scene.ask("plan", next)
        #expect(plan["result"] == "changes")
        #expect(plan["running"]?["exchanges"] == 14)
        #expect(plan["running"]?["streams"] == 14)
        let touched = try #require(plan["touched"]?["exchanges"]?.integerValue)
        let cut = try #require(plan["touched"]?["cut"]?.integerValue)
        #expect(touched == moved.count + leaving.count + revoked.count + staying.count)
        #expect(cut == revoked.count)
        #expect(plan["touched"]?["connections"]?.integerValue == leaving.count)
        #expect(plan["touched"]?["callers"] == 2)
        let changes = try #require(plan["changes"]?.arrayValue).map { change in
            "\(change["kind"]?.stringValue ?? "") \(change["name"]?.stringValue ?? "") "
                + "\(change["exchanges"]?.integerValue ?? -1)"
        }
        #expect(changes == ["removed second 2", "changed apps 5", "changed routes[1] /stream 4"])
        // Nothing was done.
        #expect(try scene.gate.generation() == 1)
        #expect(try scene.generation(1)?["exchanges"] == 14)

        try scene.gate.reconfigure(scene.edited)
        for stream in revoked { #expect(try stream.finish() != nil, "its key is gone") }
        try waitUntil("those to be over") { try scene.generation(1)?["exchanges"]?.integerValue == 14 - cut }
        let after = try #require(try scene.generation(1))
        #expect(after["outdated"]?.integerValue == touched - cut, "\(after)")
        let differences = after["differences"]?.arrayValue?.compactMap(\.stringValue)
        #expect(differences == ["listener second", "auth apps", "routes[1] /stream"])
        for stream in kept + moved + leaving + staying { try stream.waitForEvents(stream.eventCount + 5) }
        // A new one goes by the new file, and is none of them.
        let fresh = try scene.streams("moved", 1)
        #expect(try scene.generation(2)?["exchanges"] == 1)
        #expect(try scene.generation(1)?["exchanges"]?.integerValue == 14 - cut)
        let again = try scene.ask("plan")
        #expect(again["result"] == "unchanged")
        #expect(again["touched"]?["exchanges"] == 0)
        scene.isEnding.open()
        for stream in kept + moved + leaving + staying + fresh { #expect(try stream.finish() == nil) }
        try waitUntil("the first generation to go") { try scene.generation(1) == nil }
    }

    @Test func `a plan says for each change what it touches, for people`() throws {
        let scene = try Scene()
        let moved = try scene.streams("moved", 2)
        try scene.gate.folder.write(
            "next.yaml", Gate.whole(scene.edited, scene.gate.address, scene.gate.folder))
        let admin = ["--admin", scene.gate.adminPath]
        let result = try run(
            [Gate.program, "plan", scene.gate.folder("next.yaml"), "--exit-code"] + admin,
            in: scene.gate.folder)
        #expect(result.code == 3 && result.errors == "")
        for line in [
            "next.yaml: what a reload changes of generation 1", "  - second  removed",
            "  ~ routes[1] /stream  changed; 2 running exchanges (2 streams)", "      to: up → other",
            "touches 2 of 2 running exchanges (2 streams): 2 go on to their end by what they began with",
        ] {
            #expect(result.output.contains(line), "\(result.output)")
        }
        let own = try run([Gate.program, "plan", "--exit-code"] + admin, in: scene.gate.folder)
        #expect(own.code == 0 && own.output.contains("a reload changes nothing of generation 1"))
        let generations = try run([Gate.program, "generations"] + admin, in: scene.gate.folder)
        #expect(generations.output.contains("by start: 2 exchanges (2 streams)"), "\(generations.output)")
        scene.isEnding.open()
        for stream in moved { #expect(try stream.finish() == nil) }
    }

    @Test func `a file that cannot be served is told as check does, and where it stands`() throws {
        let gate = try Gate("routes: [{ path: /, auth: open, respond: { text: x } }]")
        let folder = try Folder()
        try folder.makeFolder("elsewhere")
        try folder.write("elsewhere/.env", "A=b\n")
        let text = Gate.whole(
            "env_file: .env\nroutes: [{ path: /, auth: open, to: nowhere }]", gate.address, folder)
        try folder.write("elsewhere/next.yaml", text)
        let result = try run(
            [Gate.program, "plan", folder("elsewhere/next.yaml"), "--admin", gate.adminPath], in: folder)
        #expect(result.code == 1 && result.output == "")
        #expect(result.errors.contains("elsewhere/next.yaml:"))
        #expect(result.errors.contains("error: upstream `nowhere` is not defined"))
        #expect(result.errors.contains("1 error"), "its .env is found: \(result.errors)")
        #expect(result.errors.hasSuffix("; still serving generation 1\n"), "\(result.errors)")
        let missing = try run(
            [Gate.program, "plan", folder("none.yaml"), "--admin", gate.adminPath], in: folder)
        #expect(missing.code == 1 && missing.errors.contains("none.yaml: no such file"))
    }
}
