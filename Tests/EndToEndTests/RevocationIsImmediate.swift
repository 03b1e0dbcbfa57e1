import Glibc
import Testing

@testable import CLI

/// A revocation is there for every worker at once, and for running streams where `on_revoke: cut` says so.
@Suite(.scenario) struct RevocationIsImmediate {
    private static func tokens(_ active: Bool) -> String {
        #"{"sk-one": {"name": "a", "created_at": "2025-11-26T10:30:00", "last_used": null, "#
            + #""active": \#(active)}}"#
    }

    private static func config(_ upstream: ScriptedUpstream, _ onRevoke: String) -> String {
        """
        process: { workers: 2 }
        access_log: off
        auth: { apps: { mode: token-file, file: tokens.json, on_revoke: \(onRevoke) } }
        upstreams: { up: \(upstream.url) }
        routes: [{ path: /**, auth: apps, to: up }]
        """
    }

    private func gate(_ upstream: ScriptedUpstream, _ onRevoke: String) throws -> Gate {
        let folder = try Folder()
        try folder.write("tokens.json", Self.tokens(true))
        return try Gate(Self.config(upstream, onRevoke), folder: folder)
    }

    private let bearer = ["Authorization: Bearer sk-one"]

    @Test func `every connection of every worker refuses a revoked token within a second`() throws {
        let upstream = try ScriptedUpstream.saying("in")
        let gate = try gate(upstream, "finish")
        let clients = try (0..<16).map { _ in try gate.connect() }
        func statuses() throws -> Set<Int> {
            var found: Set<Int> = []
            for client in clients {
                try client.send(gate.request(fields: bearer))
                found.insert(try client.readResponse().status)
            }
            return found
        }
        #expect(try statuses() == [200])
        let began = Clock.seconds
        try gate.folder.replace("tokens.json", with: Self.tokens(false))
        try waitUntil("all to be refused", within: 3) { try statuses() == [401] }
        #expect(Clock.seconds - began < (ChildProcess.isSanitized ? 3 : 1))
    }

    @Test(arguments: ["finish", "cut"])
    func `running streams end where the entry says cut, and go on where it says finish`(word: String) throws {
        let isEnding = Signal()
        let upstream = try ScriptedUpstream.streaming("a", until: isEnding)
        let gate = try gate(upstream, word)
        let streams = try (0..<6).map { try Stream(gate, number: $0, fields: bearer) }
        for stream in streams { try stream.waitForEvents(3) }
        try gate.folder.replace("tokens.json", with: Self.tokens(false))
        try waitUntil("the token to be refused") { try gate.exchange(fields: bearer).status == 401 }
        if word == "cut" {
            for stream in streams { #expect(try stream.finish() != nil, "a cut stream never looks complete") }
            isEnding.open()
        } else {
            for stream in streams { try stream.waitForEvents(stream.eventCount + 5) }
            isEnding.open()
            for stream in streams { #expect(try stream.finish() == nil) }
        }
    }
}
