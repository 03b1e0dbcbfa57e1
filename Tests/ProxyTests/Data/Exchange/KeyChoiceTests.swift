import Testing

@testable import Proxy

private let field = Array("authorization".utf8)

@Suite struct `Keys that go to an upstream` {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer client-secret\r\n\r\n"

    private func scene(_ key: KeyPlan, _ change: (inout GenerationSketch) -> Void = { _ in }) throws -> (
        TestUpstream, WorkerUnderTest, TestConnection
    ) {
        let upstream = try TestUpstream()
        let worker = try WorkerUnderTest(upstream) {
            $0.key = key
            change(&$0)
        }
        return (upstream, worker, try worker.connect())
    }

    private func chain(_ index: KeyIndex = KeyIndex(), byModel: Bool = false) -> KeyPlan {
        KeyPlan(source: .chain(index, answerer: Answerer(), byModel: byModel), field: field)
    }

    private func fixed(_ keys: [UpstreamCredential], _ choice: KeySet.Choice = .weighted) -> KeyPlan {
        KeyPlan(source: .fixed(KeySet(keys, choice: choice)), field: field)
    }

    private func request(_ question: Question) throws -> KeyRequest {
        guard case .upstreamKey(let request) = question.subject else { throw Unexpected("another question") }
        return request
    }

    @Test func `the upstream sees its key and not the client's`() throws {
        let (upstream, worker, client) = try scene(fixed([testCredential("up-1")]))
        defer { worker.stop() }
        try client.send(get)
        let endpoint = try upstream.accept()
        let seen = try endpoint.readMessage()
        #expect(seen["authorization"] == "Bearer up-1")
        #expect(!seen.fields.contains { $0.value.contains("client-secret") })
    }

    @Test(arguments: [401, 402, 403])
    func `one that is refused gives way to the next, and nothing of it is told`(status: Int) throws {
        let keys = [testCredential("up-1"), testCredential("up-2")]
        let (upstream, worker, client) = try scene(fixed(keys, .first))
        defer { worker.stop() }
        try client.send(ModelScene.post("{}"))
        let endpoint = try upstream.accept()
        #expect(try endpoint.readMessage()["authorization"] == "Bearer up-1")
        try endpoint.send(ModelScene.answer("\(status) No", "bad key up-1"))
        let second = try upstream.accept()
        let seen = try second.readMessage()
        #expect(seen["authorization"] == "Bearer up-2" && seen.body == "{}")
        try second.send(ModelScene.answer("\(status) No", "bad key up-2"))
        let answer = try client.readMessage()
        #expect(answer.status == 502 && answer.code == "upstream_credentials_exhausted")
        #expect(answer["x-should-retry"] == "false" && !answer.body.contains("up-"))
        // What was refused stands behind what was not; a 403 may have been about the request.
        #expect(keys[0].isRefused(now: monotonicNow()) == (status != 403))
    }

    @Test func `of several one that was used too much rests, and another is tried`() throws {
        let keys = [testCredential("up-1"), testCredential("up-2")]
        let (upstream, worker, client) = try scene(fixed(keys))
        defer { worker.stop() }
        try client.send(ModelScene.post("{}"))
        let first = try upstream.accept()
        let used = try first.readMessage()["authorization"]
        try first.send(ModelScene.answer("429 No", "slow down", fields: "Retry-After: 60\r\n"))
        let next = try upstream.accept()
        let other = try next.readMessage()["authorization"]
        #expect(Set([used, other]) == ["Bearer up-1", "Bearer up-2"])
        // Both: the upstream's own answer, with its hint.
        try next.send(ModelScene.answer("429 No", "slow down", fields: "Retry-After: 60\r\n"))
        let answer = try client.readMessage()
        #expect(answer.status == 429 && answer["retry-after"] == "60")
        #expect(keys.allSatisfy { $0.isCooling(now: monotonicNow() + 50 * second) })
        #expect(upstream.state.health.isAvailable(now: monotonicNow()))
    }

    @Test func `who has none yet is asked about, and the request waits`() throws {
        let index = KeyIndex()
        let (upstream, worker, client) = try scene(chain(index))
        defer { worker.stop() }
        try client.send(ModelScene.post("{}"))
        let question = try worker.question()
        let asked = try request(question)
        #expect(asked.key == KeyIndex.Key(userID: 0, model: .everybody) && asked.refused == nil)
        let set = KeySet([testCredential("up-1")], choice: .first)
        index.put(set, for: asked.key, version: index.version(for: asked.key))
        worker.answer(question, .keys(set))
        let endpoint = try upstream.accept()
        let seen = try endpoint.readMessage()
        #expect(seen["authorization"] == "Bearer up-1" && seen.body == "{}")
        try endpoint.send(ModelScene.answer())
        #expect(try client.readMessage().body == "ok")
        try client.send(ModelScene.post("{}"))
        #expect(try endpoint.readMessage()["authorization"] == "Bearer up-1")
        #expect(try worker.records(1)[0].record.attempts == 1)
    }

    @Test func `without one nothing goes upstream`() throws {
        let (upstream, worker, client) = try scene(chain())
        defer { worker.stop() }
        for reply in [LocalReply.upstreamKeyMissing, .upstreamKeyUnavailable] {
            try client.send(ModelScene.post("{}"))
            worker.answer(try worker.question(), .refused(reply))
            #expect(try client.readMessage().status == reply.properties.status)
        }
        #expect(upstream.listener.accept(milliseconds: 20) == nil)
    }

    @Test func `control may come by another key, once`() throws {
        let (upstream, worker, client) = try scene(chain())
        defer { worker.stop() }
        try client.send(ModelScene.post("{}"))
        let old = KeySet([testCredential("old")], choice: .first, canRenew: true)
        worker.answer(try worker.question(), .keys(old))
        let first = try upstream.accept()
        #expect(try first.readMessage()["authorization"] == "Bearer old")
        try first.send(ModelScene.answer("401 No", "no"))
        let question = try worker.question()
        #expect(try request(question).refused === old)
        let new = KeySet([testCredential("new")], choice: .first, canRenew: true)
        worker.answer(question, .keys(new))
        let second = try upstream.accept()
        #expect(try second.readMessage()["authorization"] == "Bearer new")
        try second.send(ModelScene.answer("401 No", "no"))
        #expect(try client.readMessage().code == "upstream_credentials_exhausted")
        #expect(worker.handle.desk.count == 0)
    }

    @Test func `an answer of control that comes late changes nothing`() throws {
        let (upstream, worker, client) = try scene(chain()) { $0.answerLimit = 20 * millisecond }
        defer { worker.stop() }
        try client.send(ModelScene.post("{}"))
        let question = try worker.question()
        #expect(try client.readMessage().code == "upstream_key_unavailable")
        worker.answer(question, .keys(KeySet([testCredential("late")], choice: .first)))
        #expect(upstream.listener.accept(milliseconds: 20) == nil)
    }

    @Test func `a client that leaves meanwhile takes its request along`() throws {
        let (upstream, worker, client) = try scene(chain())
        defer { worker.stop() }
        try client.send(ModelScene.post("{}"))
        let question = try worker.question()
        client.reset()
        #expect(try worker.record().outcome == .clientGone)
        worker.answer(question, .keys(KeySet([testCredential("late")], choice: .first)))
        #expect(upstream.listener.accept(milliseconds: 20) == nil)
    }

    @Test func `keys by model are asked for with the model, of the users of that store alone`() throws {
        final class Store {}
        let (here, elsewhere) = (Store(), Store())
        for (store, user) in [(here, 42), (elsewhere, 0)] as [(Store, Int64)] {
            let caller = Caller(
                digest: KeyDigest.test("k"), userID: 42, label: PlanText("ann"))
            let auth = AuthPlan(
                name: "members", mode: .keys, callers: CallerIndex(), userStore: ObjectIdentifier(store))
            auth.callers.put(caller)
            let key = KeyPlan(
                source: .chain(KeyIndex(), answerer: Answerer(), byModel: true), field: field,
                userStore: ObjectIdentifier(here))
            let (_, worker, client) = try scene(key) { $0.routes = [.test(auth: [auth])] }
            defer { worker.stop() }
            try client.send(ModelScene.post(#"{"model":"gpt-5"}"#, fields: "x-api-key: k\r\n"))
            let asked = try request(worker.question())
            #expect(asked.key == KeyIndex.Key(userID: user, model: LimitSubject(name: "gpt-5")))
            #expect(String(decoding: asked.model, as: UTF8.self) == "gpt-5")
            #expect(String(decoding: asked.callerLabel, as: UTF8.self) == "ann")
        }
    }
}
