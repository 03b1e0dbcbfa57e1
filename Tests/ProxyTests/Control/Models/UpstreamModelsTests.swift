// Covers UpstreamModels.swift, UpstreamModelsRegistry.swift
import Testing

@testable import Proxy

private let first = #"{"data":[{"id":"a"}]}"#

/// One that is asked through a script; refreshed after so many milliseconds.
private func upstream(_ script: FetchScript, refreshMilliseconds: UInt64 = 3_600_000) throws -> UpstreamModels
{
    let source = UpstreamModels.Source(
        name: "test", urls: ["http://unasked.invalid/v1/models"], refresh: refreshMilliseconds * 1_000_000)
    return try UpstreamModels(source, fetch: script.fetch)
}

private func ids(_ models: UpstreamModels) -> [String] { models.models.map(\.id) }

/// Over and done.
private func isTried(_ models: UpstreamModels) -> Bool { models.deadline(now: monotonicNow()) == nil }

@Suite struct UpstreamModelsTests {
    @Test func `nobody is asked before anybody wants to know, and once for all who do`() throws {
        let script = FetchScript([.set(first)])
        script.isHeld.withLock { $0 = true }
        let models = try upstream(script)
        #expect(script.count.withLock { $0 } == 0 && isTried(models))
        for _ in 0..<20 { models.refreshIfDue() }
        #expect(!isTried(models) && ids(models).isEmpty)
        script.isHeld.withLock { $0 = false }
        #expect(eventually { ids(models) == ["a"] && isTried(models) })
        models.refreshIfDue()
        #expect(script.count.withLock { $0 } == 1)
    }

    @Test func `who waits for the first fetch waits no longer than that, nor than two seconds`() throws {
        let script = FetchScript([.set(first)])
        script.isHeld.withLock { $0 = true }
        let models = try upstream(script)
        models.refreshIfDue()
        let now = monotonicNow()
        let deadline = try #require(models.deadline(now: now))
        #expect(deadline <= now + UpstreamModels.firstWait)
        #expect(models.deadline(now: now + UpstreamModels.firstWait) == nil)
        models.waitForFirst(until: now + 1_000_000)
        #expect(ids(models).isEmpty)
        script.isHeld.withLock { $0 = false }
        models.waitForFirst(until: .max)
        #expect(ids(models) == ["a"])
        models.waitForFirst(until: .max)
    }

    @Test func `lists are asked for anew once they are old`() throws {
        let script = FetchScript([.set(first), .set(#"{"data":[{"id":"b"}]}"#)])
        let models = try upstream(script, refreshMilliseconds: 1)
        #expect(
            eventually {
                models.refreshIfDue()
                return ids(models) == ["b"]
            })
    }

    @Test(arguments: [FetchScript.Answer.failure, .status(401), .status(204), .set("{}"), .set("")])
    func `what is known stays while the upstream cannot be asked`(answer: FetchScript.Answer) throws {
        let script = FetchScript([.set(first)])
        let models = try upstream(script, refreshMilliseconds: 1)
        models.refreshIfDue()
        #expect(eventually { ids(models) == ["a"] })
        script.next(answer)
        let count = script.count.withLock { $0 }
        #expect(
            eventually {
                models.refreshIfDue()
                return script.count.withLock { $0 } > count + 2
            })
        #expect(ids(models) == ["a"])
    }

    @Test func `a first fetch that fails is waited for once`() throws {
        let models = try upstream(FetchScript([.failure]))
        models.refreshIfDue()
        models.waitForFirst(until: .max)
        #expect(isTried(models) && ids(models).isEmpty)
    }

    @Test func `endpoints are asked in turn, with the key`() throws {
        let heads = Locked<[String]>([])
        let server = try ScriptedServer { connection in
            let head = connection.readHead()
            let isFirst = heads.withLock { heads in
                heads.append(head)
                return heads.count == 1
            }
            let status = isFirst ? "503 No" : "200 OK"
            connection.send("HTTP/1.1 \(status)\r\nContent-Length: \(first.utf8.count)\r\n\r\n\(first)")
        }
        defer { server.stop() }
        let source = UpstreamModels.Source(
            name: "test", urls: ["\(server.url)/x/models", "\(server.url)/y/models"], refresh: 1_000_000_000)
        let models = try UpstreamModels(source, keyLine: { Array("Authorization: Bearer k\r\n".utf8) })
        models.refreshIfDue()
        models.waitForFirst(until: .max)
        #expect(ids(models) == ["a"])
        let seen = heads.withLock { $0 }
        #expect(seen.count == 2 && seen[0].hasPrefix("GET /x/models HTTP/1.1\r\n"))
        #expect(seen.last?.hasPrefix("GET /y/models HTTP/1.1\r\n") ?? false)
        #expect(seen.allSatisfy { $0.contains("\r\nAuthorization: Bearer k\r\n") })
    }

    @Test func `a list is the same as long as it is asked for in the same way and anybody has it`() throws {
        let server = try ScriptedServer(
            answering: "HTTP/1.1 200 OK\r\nContent-Length: \(first.utf8.count)\r\n\r\n\(first)")
        defer { server.stop() }
        let registry = UpstreamModelsRegistry()
        var source = UpstreamModels.Source(
            name: "test", urls: ["\(server.url)/v1/models"], refresh: 3_600_000_000_000)
        var models = registry.models(of: source) { nil }
        models?.waitForFirst(until: .max)
        #expect(models.map(ids) == ["a"])
        #expect(registry.models(of: source) { nil } === models)
        source.refresh -= 1
        #expect(registry.models(of: source) { nil } !== models)
        source.refresh += 1
        weak let old = models
        models = nil
        #expect(eventually { old == nil })
    }
}
