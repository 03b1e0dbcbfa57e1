import Glibc
import JSON
import Testing

@testable import Config
@testable import Proxy

@Suite struct HealthActionTests {
    private let all = HealthAnswerConfig(fields: ["status", "database", "timestamp"], ok: "healthy")

    private func ask(_ rules: HealthAnswerConfig, _ stores: [StoreKeeper]) throws -> ActionTestAnswer {
        let mailbox = try Mailbox()
        let ticket = Ticket(worker: 0, number: 1)
        let action = HealthAction(rules, of: stores)
        let request = ActionRequest(
            method: .get, pathRest: [], query: [], contentType: [], body: [], caller: nil, auth: nil,
            credential: nil, clientAddress: PeerAddress(high: 0, low: 1, port: 1, isUnix: false),
            requestID: [])
        action.answer(
            Question(ticket: ticket, answerer: action, subject: .action(request)),
            Reply(ticket: ticket, mailbox: mailbox))
        guard case .answered(ticket, .reply(let reply))? = mailbox.takeAll().first else {
            throw Unexpected("no reply")
        }
        return try ActionTestAnswer(reply)
    }

    @Test func `S4-60: what is wanted is told, in that order`() throws {
        let scene = try ActionScene()
        let answer = try ask(all, [scene.keeper])
        #expect(answer.status == 200 && !answer.isStored)
        #expect(answer.body.members?.map(\.key) == ["status", "database", "timestamp"])
        #expect(answer.body["status"] == .string("healthy") && answer.body["database"] == .string("SQLite"))
        let time = try #require(answer.body["timestamp"]?.text)
        #expect(time.utf8.count == 20 && time.hasPrefix("20") && time.hasSuffix("Z"))
        #expect(try ask(.init(fields: ["status"], ok: "up"), []).text == "{\"status\":\"up\"}\n")
        #expect(try ask(.init(fields: ["database"], ok: "up"), []).text == "{\"database\":null}\n")
    }

    @Test func `C41: a store that cannot be read is told with 503`() throws {
        let (scene, broken) = (try ActionScene(), try ActionScene())
        #expect(truncate(broken.keeper.path, 0) == 0)
        #expect(unlink(broken.keeper.path) == 0)
        #expect(eventually { broken.keeper.problem != nil })
        let answer = try ask(all, [scene.keeper, broken.keeper])
        #expect(answer.status == 503 && answer.body["status"] == .string("unhealthy"))
        #expect(answer.body["database"] == .string("SQLite: cannot be read"))
        #expect(try ask(all, [scene.keeper]).status == 200)
    }
}
