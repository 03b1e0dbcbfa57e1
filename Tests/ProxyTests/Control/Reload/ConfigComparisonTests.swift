import Config
import Testing

@testable import Proxy

private func load(_ text: String, _ folder: TemporaryFolder) throws -> (GatewayConfig, DiagnosticPlaces) {
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    return (try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))").config, outcome.places)
}

private func warnings(from before: String, to after: String, earlier: String? = nil) throws -> [String] {
    let folder = TemporaryFolder()
    let (served, _) = try load(before, folder)
    let (next, places) = try load(after, folder)
    let limits = LimitRegistry()
    if let earlier { limits.commit(try load(earlier, folder).0) }
    limits.commit(served)
    let comparison = ConfigComparison(served: served, next: next, counted: limits.served)
    let all =
        comparison.removalWarnings(places) + comparison.resetWarnings(places)
        + comparison.restartWarnings(places)
    return all.map(\.message)
}

private func text(ports: [Int], routes: [String], process: String = "{ workers: 1 }") -> String {
    let listeners = ports.map { "l\($0): 127.0.0.1:\($0)" }.joined(separator: ", ")
    let lines = routes.map { "  - { path: \($0), auth: open, respond: { text: x } }\n" }.joined()
    return "version: 1\nprocess: \(process)\nlisteners: { \(listeners) }\nauth: { open: { mode: none } }\n"
        + "routes:\n\(lines)"
}

private let routes = ["/a", "/b", "/c", "/d"]

@Test func `an edit that keeps listeners and most routes is not warned about`() throws {
    let before = text(ports: [8000, 8001], routes: routes)
    #expect(try warnings(from: before, to: before) == [])
    #expect(try warnings(from: before, to: text(ports: [8000, 8002], routes: ["/a", "/b", "/x"])) == [])
}

@Test func `an edit that removes more than half of the routes is warned about`() throws {
    let after = text(ports: [8000], routes: ["/a", "/x", "/y", "/z"])
    let expected = "routes: this edit removes 3 of the 4 routes that were served"
    #expect(try warnings(from: text(ports: [8000], routes: routes), to: after) == [expected])
}

@Test func `an edit that removes every listener is warned about`() throws {
    let after = text(ports: [9000, 9001], routes: routes)
    let expected = "listeners: this edit removes every listener that was served (2)"
    #expect(try warnings(from: text(ports: [8000, 8001], routes: routes), to: after) == [expected])
}

@Test func `a change below process waits for a restart, and says so`() throws {
    let after = text(
        ports: [8000], routes: routes, process: "{ workers: 2, drain_timeout: 1s, body_memory: 1GiB }")
    let found = try warnings(from: text(ports: [8000], routes: routes), to: after)
    let keys = ["workers", "drain_timeout", "body_memory"]
    #expect(found == keys.map { "process.\($0): the change needs a restart and is not in force" })
}

// MARK: - Limits

/// Of two files that differ in their limits.
private func resets(from before: String, to after: String, earlier: String? = nil) throws -> [String] {
    let file = { (limits: String) in
        text(ports: [8000], routes: routes) + "models: { '*': { max_output: 1 } }\nlimits: { \(limits) }\n"
    }
    return try warnings(from: file(before), to: file(after), earlier: earlier.map(file))
}

private let newName = "begins to count from zero, as nothing was counted by this name and `by` before"

@Test func `a limit that is renamed or has another by begins anew, and says so`() throws {
    let before = "ip: { by: ip, requests_per_minute: 5, requests_per_day: 100 }"
    let renamed = "ip2: { by: ip, requests_per_minute: 5, requests_per_day: 100 }"
    #expect(try resets(from: before, to: renamed) == ["limits.ip2.requests_per_day: \(newName)"])
    let wider =
        "ip: { by: [ip, route], requests_per_minute: 5, requests_per_hour: 50, requests_per_day: 100 }"
    #expect(
        try resets(from: before, to: wider)
            == ["hour", "day"].map { "limits.ip.requests_per_\($0): \(newName)" })
}

@Test func `other tokens are other counts`() throws {
    let limit = { (tokens: String) in "t: { by: key, tokens_per_day: 100, tokens: \(tokens) }" }
    let expected =
        "limits.t.tokens_per_day: begins to count from zero, as nothing was counted by these `tokens` before"
    #expect(try resets(from: limit("input"), to: limit("output")) == [expected])
    #expect(try resets(from: limit("total"), to: limit("total")) == [])
}

@Test func `a number in place of another of its limit is new`() throws {
    let before = "a: { by: ip, requests_per_hour: 5 }"
    let expected = "limits.a.requests_per_day: begins to count from zero, as this number is new"
    #expect(try resets(from: before, to: "a: { by: ip, requests_per_day: 5 }") == [expected])
}

@Test func `a limit in place of one that is gone begins anew`() throws {
    let before = "a: { by: ip, requests_per_hour: 5 }"
    let after = "b: { by: ip, requests_per_day: 5 }"
    #expect(try resets(from: before, to: after) == ["limits.b.requests_per_day: \(newName)"])
}

@Test(arguments: [
    "a: { by: ip, requests_per_day: 9 }", "a: { by: ip, requests_per_day: 5, mode: shadow }", "",
    "a: { by: ip, requests_per_day: 5, requests_per_hour: 5 }",
    "b: { by: ip, requests_per_day: 5 }, a: { by: ip, requests_per_day: 5 }",
    "b: { by: ip, requests_per_minute: 5 }",
])
func `what counts on, is new or is short is not warned about`(_ after: String) throws {
    #expect(try resets(from: "a: { by: ip, requests_per_day: 5 }", to: after) == [])
}

@Test func `who takes a rename back has the counts of before`() throws {
    let (one, two) = ("a: { by: ip, requests_per_day: 5 }", "b: { by: ip, requests_per_day: 5 }")
    #expect(try resets(from: two, to: one).count == 1)
    #expect(try resets(from: two, to: one, earlier: one) == [])
}
