import Config
import JSON
import Testing

@testable import Proxy

/// A driver that serves a file, and what a reload of another would do.
private final class PreviewScene {
    let folder = TemporaryFolder()
    let driver: ReloadDriver

    init(_ text: String) throws {
        folder.write("env", "KEY_A=aaaaaaaa\nKEY_B=bbbbbbbb\n")
        folder.write("headgate.yaml", Self.whole(text, folder))
        driver = try ReloadDriver(
            loader: ConfigLoader(path: folder.path + "/headgate.yaml"), workers: try WorkerPool(),
            watcher: try ConfigWatcher(), loop: try ControlLoop())
        reload()
    }

    deinit {
        driver.usage.stop()
        driver.auth.stop()
        driver.sockets.closeAll()
    }

    static func whole(_ text: String, _ folder: TemporaryFolder) -> String {
        """
        version: 1
        env_file: env
        listeners: { one: unix:\(folder.path)/one.sock, two: unix:\(folder.path)/two.sock }
        \(text)
        """
    }

    func reload() {
        driver.trigger(.request)
        driver.resolveTimedOut()
    }

    func edit(_ text: String) { folder.write("headgate.yaml", Self.whole(text, folder)) }

    func preview(_ text: String, _ running: RunningExchanges = RunningExchanges()) throws -> ReloadPreview {
        let bytes = Array(Self.whole(text, folder).utf8)
        let loader = ConfigLoader(text: bytes, display: "next.yaml", folder: folder.path)
        return try #require(driver.preview(driver.trial(loader), running))
    }
}

private func group(
    _ route: Int?, _ count: Int, listener: String = "one", auth: String = "apps", generation: UInt64 = 1,
    callers: [String: Int] = [:]
) -> RunningExchanges.Group {
    var group = RunningExchanges.Group(
        generation: generation, listener: listener, route: route, auth: auth, cutsOnRevoke: auth == "apps",
        upstream: "up")
    group.count = count
    group.streams = count
    for (key, count) in callers { group.callers[KeyDigest.test(key)] = count }
    return group
}

private func text(
    variables: String = "[KEY_A, KEY_B]", idle: String = "5s", to: String = "up", perMinute: Int = 5
) -> String {
    """
    auth:
      open: { mode: none, ignore_credentials: true }
      apps: { mode: env-key, variables: \(variables), match: any, on_revoke: cut }
    limits: { per-key: { by: key, requests_per_minute: \(perMinute) } }
    upstreams: { up: { url: "http://127.0.0.1:1", timeouts: { idle: \(idle) } }, new: http://127.0.0.1:2 }
    routes:
      - { path: /a, auth: open, limits: per-key, to: \(to) }
      - { path: /b, auth: apps, to: up }
    """
}

@Suite struct ReloadPreviewTests {
    @Test func `the file that is served changes nothing`() throws {
        let scene = try PreviewScene(text())
        let preview = try scene.preview(text(), RunningExchanges())
        #expect(preview.result == .unchanged)
        #expect(preview.text.hasSuffix("next.yaml: a reload changes nothing of generation 1"))
        #expect(preview.json.contains(#""result":"unchanged""#))
    }

    @Test func `a file with a mistake is told as check does, and nothing else`() throws {
        let scene = try PreviewScene(text())
        let preview = try scene.preview(text(to: "upp"))
        #expect(preview.result == .failed)
        #expect(preview.text.contains("error: upstream `upp` is not defined"))
        #expect(preview.text.hasSuffix("1 error; still serving generation 1"), "\(preview.text)")
        #expect(preview.entries.isEmpty)
    }

    @Test func `what runs is counted once for each change and once in all`() throws {
        let scene = try PreviewScene(text())
        var running = RunningExchanges()
        running.groups = [group(0, 3, auth: "open"), group(1, 4, callers: ["aaaaaaaa": 4]), group(nil, 1)]
        let preview = try scene.preview(text(to: "new", perMinute: 6), running)
        let touched = preview.entries.map { "\($0.change.title) \($0.touch.exchanges) \($0.touch.callers)" }
        #expect(touched == ["limit per-key 3 0", "routes[0] /a 3 0"])
        #expect(preview.total.exchanges == 3 && preview.total.streams == 3 && preview.total.cut == 0)
        #expect(preview.text.contains("touches 3 of 8 running exchanges (3 streams): 3 go on to their end"))
        let idle = try scene.preview(text(idle: "6s"), running)
        #expect(idle.total.exchanges == 8 && idle.total.callers == 1)
    }

    @Test func `whose key goes is cut, and nobody else`() throws {
        let scene = try PreviewScene(text())
        var running = RunningExchanges()
        running.groups = [
            group(1, 5, callers: ["aaaaaaaa": 3, "bbbbbbbb": 2]), group(0, 2, auth: "open"),
        ]
        let preview = try scene.preview(text(variables: "[KEY_B]"), running)
        #expect(preview.entries.map(\.change.title) == ["auth apps"])
        #expect(preview.total.exchanges == 5 && preview.total.cut == 3 && preview.total.callers == 2)
        #expect(preview.text.contains("cuts 3 exchanges by `on_revoke: cut`"))
    }

    @Test func `connections of a socket that goes are counted`() throws {
        let scene = try PreviewScene(text())
        let socket = try #require(scene.driver.served?.sockets[1])
        var running = RunningExchanges()
        running.connections[socket.identity] = RunningExchanges.Connections(open: 7)
        running.groups = [group(1, 2, listener: "two")]
        let before = PreviewScene.whole(text(), scene.folder)
        let after = before.split(separator: ", two:")[0] + " }\n" + text()
        let loader = ConfigLoader(text: Array(after.utf8), display: "x", folder: scene.folder.path)
        let preview = try #require(scene.driver.preview(scene.driver.trial(loader), running))
        #expect(preview.entries.map(\.change.title) == ["listener two"])
        #expect(preview.total.connections == 7 && preview.total.exchanges == 2)
        #expect(preview.text.contains("closes 7 connections, each after what it asks now"))
    }

    @Test func `a plan opens nothing, binds nothing and takes nothing away`() throws {
        let scene = try PreviewScene(text())
        let ids = scene.driver.limits.ids.count
        let callers = scene.driver.auth.served.entries["apps"]?.callers.count
        let other = text(variables: "[KEY_B]", idle: "9s", perMinute: 9)
        for _ in 0..<3 {
            let preview = try scene.preview(
                other.split(separator: "\n").joined(separator: "\n")
                    + "\n  - { path: /c, auth: open, limits: per-key, to: new }")
            #expect(preview.result == .changes)
        }
        #expect(scene.driver.limits.ids.count == ids)
        #expect(scene.driver.auth.served.entries["apps"]?.callers.count == callers)
        #expect(scene.driver.registry.living.count == 2)
        #expect(scene.driver.served?.generation.number == 1 && scene.driver.census.alive == 1)
    }

    @Test func `after the reload as many run by what is served no more as the plan has said`() throws {
        let scene = try PreviewScene(text())
        var running = RunningExchanges()
        running.groups = [group(0, 3, auth: "open"), group(1, 4)]
        let next = text(to: "new")
        let planned = try scene.preview(next, running)
        // Held as exchanges would.
        let old = scene.driver.served?.generation
        scene.edit(next)
        scene.reload()
        let report = GenerationsReport(scene.driver.served, scene.driver.older, running)
        #expect(report.items.map(\.number) == [2, 1])
        #expect(report.items.map(\.exchanges) == [0, 7])
        #expect(report.items[1].outdated == planned.total.exchanges && planned.total.exchanges == 3)
        #expect(report.items[1].differences == ["routes[0] /a"])
        #expect(report.text.contains("7 exchanges (7 streams), 3 by what is served no more"))
        #expect(report.json.contains(#""outdated":3"#))
        // What began by the first one is still touched by what is undone only.
        let undone = try scene.preview(text(), running)
        #expect(undone.total.exchanges == 0 && undone.result == .changes)
        #expect(old?.number == 1)
    }

    @Test func `a generation is forgotten when it has gone`() throws {
        let scene = try PreviewScene(text())
        scene.edit(text(idle: "7s"))
        scene.reload()
        scene.driver.noteDrained()
        #expect(scene.driver.older.isEmpty)
        #expect(
            GenerationsReport(scene.driver.served, scene.driver.older, RunningExchanges()).items.count == 1)
    }

    @Test func `JSON has all that people read`() throws {
        let scene = try PreviewScene(text())
        let preview = try scene.preview(text(perMinute: 6))
        let json = try JSONValue.parse(Array(preview.json.utf8))
        #expect(json["result"] == .string("changes") && json["generation"] == .integer(1))
        guard case .array(let changes)? = json["changes"], changes.count == 1 else {
            Issue.record("\(preview.json)")
            return
        }
        #expect(changes[0]["section"] == .string("limits") && changes[0]["cut"] == .integer(0))
        guard case .array(let numbers)? = changes[0]["numbers"] else {
            Issue.record("\(preview.json)")
            return
        }
        #expect(numbers[0]["before"] == .integer(5) && numbers[0]["after"] == .integer(6))
        #expect(numbers[0]["outcome"] == .string("kept") && numbers[0]["subjects"] == .integer(0))
    }
}
