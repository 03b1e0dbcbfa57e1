import Glibc
import Testing

@testable import CLI

/// What a reload changes, what it leaves alone, and what sets it off.
@Suite(.scenario) struct ReloadChanges {
    private static func text(_ text: String) -> String {
        "routes: [{ path: /**, auth: open, respond: { text: \"\(text)\" } }]"
    }

    private func waitForText(_ text: String, _ gate: Gate) throws {
        try waitUntil("`\(text)` to be served") { try gate.exchange().text == text }
    }

    @Test func `an added listener answers, a removed one ends, one that stays keeps its socket`() throws {
        let second = try Address.free()
        let gate = try Gate(Self.text("1"))
        let kept = try gate.connect()
        try kept.send(gate.request())
        #expect(try kept.readResponse().text == "1")
        let socket = try listeningInode(gate.address)
        try gate.reconfigure("listeners: { main: $LISTEN, second: \"\(second)\" }\n" + Self.text("2"))
        #expect(try gate.exchange(at: second).text == "2")
        let idle = try gate.connect(to: second)
        try idle.send(gate.request())
        #expect(try idle.readResponse().text == "2")
        try gate.reconfigure(Self.text("3"))
        #expect(throws: Trouble.self) { _ = try gate.connect(to: second) }
        #expect(try idle.readToEnd().bytes.isEmpty, "an idle connection of a removed listener is closed")
        try kept.send(gate.request())
        #expect(
            try kept.readResponse().text == "3", "the connection from before the reloads, with the new routes"
        )
        #expect(try listeningInode(gate.address) == socket)
    }

    @Test func `header rules change with the reload`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0["x-set"] ?? "-") }
        func config(_ value: String) -> String {
            """
            upstreams: { up: \(upstream.url) }
            routes:
              - path: /**
                auth: open
                request_headers: { set: { X-Set: "\(value)" } }
                response_headers: { set: { X-Back: "\(value)" } }
                to: up
            """
        }
        let gate = try Gate(config("1"))
        let client = try gate.connect()
        for value in ["1", "2", "3"] {
            if value != "1" { try gate.reconfigure(config(value)) }
            try client.send(gate.request())
            let response = try client.readResponse()
            #expect(response.text == value)
            #expect(response["x-back"] == value)
        }
        #expect(upstream.connectionCount <= 2, "the pool survives")
    }

    @Test func `pooled connections to an upstream that stays are kept`() throws {
        let upstream = try ScriptedUpstream.answering { _ in ok("x") }
        let config = "process: { workers: 1 }\nupstreams: { up: \(upstream.url) }\n"
        let gate = try Gate(config)
        for index in 0..<5 {
            #expect(try gate.exchange().text == "x")
            try gate.reconfigure(config + "resolve_timeout: \(2 + index)s")
        }
        #expect(upstream.connectionCount == 1)
    }

    @Test func `equal content is no new generation`() throws {
        let gate = try Gate(Self.text("same"))
        try gate.edit(Self.text("same"))
        let result = try gate.reload()
        #expect(result.code == 0)
        #expect(result.output.contains("unchanged"))
        gate.process.send(SIGHUP)
        try waitUntil("SIGHUP in the log") { gate.process.errors.contains("SIGHUP: unchanged") }
        #expect(try gate.generation() == 1)
    }

    @Test func `a file renamed over, written in place or swapped by a link is seen`() throws {
        let folder = try Folder()
        try folder.makeFolder("v1")
        try folder.makeFolder("v2")
        try folder.link("current", to: "v1")
        // The file is a link into a linked folder, as a Kubernetes volume has it.
        try folder.link("headgate.yaml", to: "current/headgate.yaml")
        let address = try Address.free()
        func write(_ name: String, _ text: String) throws {
            try folder.write(name, Gate.whole(Self.text(text), address, folder))
        }
        try write("v1/headgate.yaml", "first")
        try write("v2/headgate.yaml", "second")
        let process = try ChildProcess(
            [Gate.program, "run", "-c", folder("headgate.yaml"), "--admin", folder("admin.sock")], in: folder)
        func waitForText(_ wanted: String) throws {
            try waitUntil("`\(wanted)`") {
                guard process.exitCode == nil else { throw Trouble("headgate has ended") }
                guard let client = try? Connection(to: address) else { return false }
                defer { client.close() }
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                return try client.readResponse().text == wanted
            }
        }
        try waitForText("first")
        try folder.link("current", to: "v2")
        try waitForText("second")
        try write("v2/headgate.yaml", "third")
        try waitForText("third")
        try write("v2/next", "fourth")
        try folder.move("v2/next", to: "v2/headgate.yaml")
        try waitForText("fourth")
        try folder.link("current", to: "v1")
        try waitForText("first")
    }

    @Test func `a file that vanishes for a moment is waited for`() throws {
        let gate = try Gate(Self.text("before"))
        try gate.folder.remove(Gate.configName)
        #expect(try holds(for: 0.15) { try gate.exchange().text == "before" })
        try gate.edit(Self.text("after"))
        try waitForText("after", gate)
        // The last worker may take it over a moment after the one that was asked.
        try waitUntil("generation 2") { try gate.generation() == 2 }
        #expect(try gate.requireStatus()["last_failure"] == .null)
    }

    @Test func `a file that stays away is a failure, and what was served goes on`() throws {
        let gate = try Gate(Self.text("before"))
        try gate.folder.remove(Gate.configName)
        try waitUntil("the failure") { try gate.requireStatus()["last_failure"] != .null }
        #expect(try gate.exchange().text == "before")
        try gate.edit(Self.text("after"))
        try waitForText("after", gate)
    }

    @Test func `a burst of writes ends with the last one served`() throws {
        let gate = try Gate(Self.text("0"))
        for index in 1...50 {
            // In place and in two writes: half of it can be valid YAML.
            let whole = Gate.whole(Self.text("\(index)"), gate.address, gate.folder)
            let middle = whole.index(whole.startIndex, offsetBy: whole.count / 2)
            try gate.folder.write(Gate.configName, String(whole[..<middle]))
            try gate.folder.write(Gate.configName, String(whole[middle...]), append: true)
        }
        try waitForText("50", gate)
        #expect(try gate.generation() < 30, "settled before it was read")
    }

    /// S2-11, C20
    @Test func `a change of an env_file is seen`() throws {
        let folder = try Folder()
        try folder.write("keys.env", "WORD=one\n")
        let gate = try Gate(
            """
            env_file: keys.env
            routes:
              - { path: /**, auth: open, respond: { text: "${WORD}" } }
            """, folder: folder)
        try waitForText("one", gate)
        try folder.replace("keys.env", with: "WORD=two\n")
        try waitForText("two", gate)
        try folder.write("keys.env", "WORD=three\n")
        try waitForText("three", gate)
    }

    @Test func `an edit that takes most routes away is warned about`() throws {
        let gate = try Gate(
            """
            routes:
              - { path: /a, auth: open, respond: { text: a } }
              - { path: /b, auth: open, respond: { text: b } }
              - { path: /c, auth: open, respond: { text: c } }
            """)
        try gate.edit("routes: [{ path: /a, auth: open, respond: { text: a } }]")
        let result = try gate.reload()
        #expect(result.code == 0)
        #expect((result.output + gate.process.errors).contains("removes 2 of the 3 routes"), "\(result)")
    }

    @Test func `status shows the generation, when and by what`() throws {
        let gate = try Gate(Self.text("1"))
        try gate.reconfigure(Self.text("2"))
        let generation = try #require(try gate.requireStatus()["generation"])
        #expect(generation["number"] == 2)
        #expect(["headgate reload", "file change"].contains(generation["trigger"]?.stringValue))
        let text = try gate.headgate("status", "--admin", gate.adminPath)
        #expect(text.code == 0)
        #expect(text.output.contains("generation  2"))
        #expect(text.output.contains("http://\(gate.address.authority)"))
        let json = try gate.headgate("status", "--json", "--admin", gate.adminPath)
        #expect(try MockJSONReader.read(Array(json.output.utf8))["generation"]?["number"] == 2)
    }

    /// The inode of the socket that listens at an address, from `/proc/net/tcp`.
    private func listeningInode(_ address: Address) throws -> Substring {
        let port = String(address.port, radix: 16, uppercase: true)
        for line in (readFile("/proc/net/tcp") ?? "").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A",
                fields[1].hasSuffix(":" + String(repeating: "0", count: 4 - port.count) + port)
            else { continue }
            return fields[9]
        }
        throw Trouble("nobody listens at \(address)")
    }
}
