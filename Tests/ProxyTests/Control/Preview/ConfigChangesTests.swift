import Config
import Testing

@testable import Proxy

/// Two versions of one file.
struct ConfigVersions {
    let folder = TemporaryFolder()

    func snapshot(_ text: String) throws -> ConfigSnapshot {
        let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
        let loaded = try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))")
        return ConfigSnapshot(loaded, outcome.places.document)
    }

    func changes(_ before: String, _ after: String, counted: Set<String> = []) throws -> ConfigChanges {
        ConfigChanges(from: try snapshot(before), to: try snapshot(after), counted: counted)
    }
}

/// A file that can be served, with these lines beside.
private func file(_ lines: String, routes: String = "[{ path: /a, auth: open, respond: { text: x } }]")
    -> String
{
    let listeners = lines.contains("listeners:") ? "" : "listeners: { main: 127.0.0.1:1 }\n"
    return "version: 1\n\(listeners)auth: { open: { mode: none, ignore_credentials: true } }\n"
        + "routes: \(routes)\n\(lines)\n"
}

private func told(_ changes: ConfigChanges) -> [String] {
    changes.all.map { change in
        let keys = change.keys.map(\.path).filter { !$0.isEmpty }
        return ([change.kind.rawValue, change.title] + keys).joined(separator: " ")
    }
}

private func routes(_ paths: String...) -> String {
    "[" + paths.map { "{ path: \($0), auth: open, respond: { text: x } }" }.joined(separator: ", ") + "]"
}

@Suite struct ConfigChangesTests {
    private static let table: [(before: String, after: String, wanted: [String])] = [
        (file(""), file("# a remark"), []),
        (file("resolve_timeout: 1s"), file("resolve_timeout: 2s"), ["changed resolve_timeout"]),
        (file(""), file("access_log: off"), ["added access_log"]),
        (file("process: { workers: 1 }"), file("process: { workers: 2 }"), ["restart process.workers"]),
        (
            file("listeners: { a: 127.0.0.1:1, b: 127.0.0.1:2 }"),
            file("listeners: { b: { bind: 127.0.0.1:2, max_connections: 5 }, c: 127.0.0.1:3 }"),
            ["changed listener b max_connections", "added listener c", "removed listener a"]
        ),
        (
            file("upstreams: { u: http://127.0.0.1:1 }"),
            file("upstreams: { u: { url: \"http://127.0.0.1:1\", timeouts: { idle: 5s } } }"),
            ["changed upstream u timeouts"]
        ),
        // What is written out is the default: nothing changes.
        (
            file("upstreams: { u: http://127.0.0.1:1 }"),
            file("upstreams: { u: { url: \"http://127.0.0.1:1\", timeouts: { idle: 300s } } }"), []
        ),
        (file("", routes: routes("/a", "/b")), file("", routes: routes("/b", "/a")), ["moved routes[0] /b"]),
        (
            file("", routes: routes("/a", "/b")), file("", routes: routes("/new", "/a", "/b")),
            ["added routes[0] /new"]
        ),
        (file("", routes: routes("/a", "/b")), file("", routes: routes("/a")), ["removed routes[1] /b"]),
        (
            file("", routes: routes("/a", "/b")),
            file("", routes: "[{ path: /b, auth: open, respond: { text: y } }]"),
            ["changed routes[0] /b respond.text", "removed routes[0] /a"]
        ),
    ]

    @Test(arguments: table) func `each part that differs is told once`(
        before: String, after: String, wanted: [String]
    ) throws {
        #expect(told(try ConfigVersions().changes(before, after)) == wanted)
    }

    @Test func `a secret that changes is a change of what is sent it`() throws {
        let versions = ConfigVersions()
        versions.folder.write("key", "secret-one")
        versions.folder.write("other", "o")
        let text = file(
            "upstreams: { u: { url: \"http://127.0.0.1:1\", key: { file: key } }, v: http://127.0.0.1:2 }",
            routes: "[{ path: /a, auth: open, to: u, request_headers: { set: { X-A: { file: other } } } }]")
        let before = try versions.snapshot(text)
        #expect(told(ConfigChanges(from: before, to: try versions.snapshot(text))) == [])
        versions.folder.write("key", "secret-two")
        #expect(told(ConfigChanges(from: before, to: try versions.snapshot(text))) == ["changed upstream u"])
        versions.folder.write("other", "p")
        let both = told(ConfigChanges(from: before, to: try versions.snapshot(text)))
        #expect(both == ["changed upstream u", "changed routes[0] /a"])
    }

    @Test func `a listener says what becomes of its socket`() throws {
        let changes = try ConfigVersions().changes(
            file("listeners: { a: 127.0.0.1:1, b: 127.0.0.1:2, c: 127.0.0.1:3 }"),
            file("listeners: { a: 127.0.0.1:4, x: 127.0.0.1:2 }"))
        let notes = Dictionary(uniqueKeysWithValues: changes.all.map { ($0.name, $0.notes) })
        #expect(notes["a"] == ["binds 127.0.0.1:4", "closes 127.0.0.1:1"])
        #expect(notes["x"] == ["takes over the socket of 127.0.0.1:2"])
        #expect(notes["b"] == ["the socket of 127.0.0.1:2 stays open"])
        #expect(notes["c"] == ["closes 127.0.0.1:3"])
    }

    @Test func `an upstream says which endpoints come and go, and what holds at once`() throws {
        let changes = try ConfigVersions().changes(
            file("upstreams: { u: { endpoints: [\"http://127.0.0.1:1\", \"http://127.0.0.1:2\"] } }"),
            file(
                "upstreams: { u: { endpoints: [\"http://127.0.0.1:2\", \"http://127.0.0.1:3\"], max_in_flight: 5 } }"
            ))
        #expect(
            changes.all[0].notes == [
                "asks http://127.0.0.1:3 as well", "asks http://127.0.0.1:1 no more",
                "`max_in_flight` and `queue` hold at once, also for those that run",
            ])
    }

    @Test func `what runs is touched by what it runs by, and by nothing else`() throws {
        let changes = try ConfigVersions().changes(
            file(
                "limits: { l: { by: ip, requests_per_minute: 5 } }",
                routes:
                    "[{ path: /a, auth: open, limits: l, respond: { text: x } }, { path: /b, auth: open, respond: { text: x } }]"
            ),
            file(
                "limits: { l: { by: ip, requests_per_minute: 6 } }",
                routes:
                    "[{ path: /b, auth: open, respond: { text: y } }, { path: /a, auth: open, limits: l, respond: { text: x } }]"
            ))
        func group(_ route: Int?) -> RunningExchanges.Group {
            RunningExchanges.Group(
                generation: 1, listener: "main", route: route, auth: "open", cutsOnRevoke: false,
                upstream: nil)
        }
        #expect(changes.touched(group(0)).map(\.section) == [.limits])
        #expect(changes.touched(group(1)).map(\.section) == [.routes])
        #expect(changes.touched(group(nil)) == [])
    }

    // MARK: - Limits

    private func numbers(_ before: String, _ after: String, counted: Set<String> = []) throws -> [String] {
        let changes = try ConfigVersions().changes(
            file("limits: { l: { by: \(before) } }"), file("limits: { l: { by: \(after) } }"),
            counted: counted)
        return changes.all.flatMap(\.numbers).map { $0.text(subjects: 3) }
    }

    @Test func `numbers of a limit keep their counts, take them up again, or begin anew`() throws {
        #expect(
            try numbers("ip, requests_per_minute: 5", "ip, requests_per_minute: 7") == [
                "requests_per_minute 5 → 7, keeps what was used (3 counts)"
            ])
        #expect(
            try numbers("ip, requests_per_minute: 5", "ip, requests_per_hour: 9") == [
                "requests_per_minute 5, counts no more (3 counts)", "requests_per_hour 9, counts from zero",
            ])
        #expect(
            try numbers("ip, requests_per_day: 5", "key, requests_per_day: 5") == [
                "requests_per_day 5, counts no more (3 counts)", "requests_per_day 5, counts from zero",
            ])
        #expect(
            try numbers(
                "ip, requests_per_minute: 5", "ip, requests_per_minute: 5, requests_per_day: 9",
                counted: ["l/requests_per_day/by=ip"]) == [
                    "requests_per_day 9, goes on from what was used before (3 counts)"
                ])
        #expect(try numbers("ip, requests_per_minute: 5", "ip, requests_per_minute: 5") == [])
    }

    @Test func `numbers of a limit are told once`() throws {
        let changes = try ConfigVersions().changes(
            file("limits: { l: { by: ip, requests_per_minute: 5 } }"),
            file("limits: { l: { by: ip, requests_per_minute: 6, mode: shadow } }"))
        #expect(changes.all.map { $0.keys.map(\.path) } == [["mode"]])
    }

    // MARK: - Order

    @Test func `the longest ascent is one, and as long as any`() {
        var random = SeededGenerator(seed: 11)
        #expect(longestAscent(in: []) == [])
        for _ in 0..<300 {
            let numbers = Array(0..<Int.random(in: 1...9, using: &random)).shuffled(using: &random)
            let ascent = longestAscent(in: numbers)
            #expect(ascent == ascent.sorted() && Set(ascent).count == ascent.count)
            var rest = numbers[...]
            for number in ascent {
                guard let place = rest.firstIndex(of: number) else {
                    Issue.record("\(ascent) is not in \(numbers)")
                    break
                }
                rest = rest[(place + 1)...]
            }
            // Every subset: few enough.
            let best = (0..<(1 << numbers.count)).map { bits in
                let chosen = numbers.indices.filter { bits >> $0 & 1 == 1 }.map { numbers[$0] }
                return chosen == chosen.sorted() ? chosen.count : 0
            }.max()
            #expect(ascent.count == best, "\(numbers)")
        }
    }
}
