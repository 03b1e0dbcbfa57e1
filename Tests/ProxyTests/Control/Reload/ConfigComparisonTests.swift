import Config
import Testing

@testable import Proxy

private func load(_ text: String, _ folder: TemporaryFolder) throws -> (GatewayConfig, DiagnosticPlaces) {
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    return (try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))").config, outcome.places)
}

private func warnings(from before: String, to after: String) throws -> [String] {
    let folder = TemporaryFolder()
    let (served, _) = try load(before, folder)
    let (next, places) = try load(after, folder)
    let comparison = ConfigComparison(served: served, next: next)
    return (comparison.removalWarnings(places) + comparison.restartWarnings(places)).map(\.message)
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
