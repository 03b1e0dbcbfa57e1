import JSON
import Testing

@testable import Proxy

// Covers LimitStanding.swift, LimitsAction.swift

private let address = PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 1, isUnix: false)
private let perKey = LimitPlan.test(
    .key, [(.requests, .minute, 60), (.tokens, .day, 1000), (.concurrent, .none, 4)])
private let perIP = LimitPlan.test(.ip, [(.requests, .hour, 20), (.money, .month, 5_000_000_000)])
private let byModel = LimitPlan.test([.key, .model], [(.tokens, .day, 1000)])
private let byRoute = LimitPlan.test(.route, perMinute: 9)

private func request(_ caller: Caller? = nil, _ auth: AuthPlan? = nil) -> ActionRequest {
    ActionRequest(
        method: .get, pathRest: [], query: [], contentType: [], body: [], caller: caller, auth: auth,
        credential: nil, clientAddress: address, requestID: [])
}

private func standings(_ limits: [LimitPlan], _ request: ActionRequest, _ ledger: Ledger) -> [LimitStanding] {
    LimitStanding.all(limits, of: request, in: ledger, at: .both(1000 * day))
}

@Suite(.tags(.fast)) struct LimitStandingTests {
    @Test func `it tells of limits by caller and address, and asking uses nothing`() {
        let ledger = Ledger()
        let caller = Caller.test("k")
        for _ in 0..<3 {
            #expect(ledger.use(perKey.measures[0], 1, caller.rateSubject, at: 1000 * day) == nil)
        }
        #expect(ledger.take(perKey.measures[1], 400, caller.rateSubject, at: 1000 * day) == nil)
        #expect(ledger.take(perKey.measures[2], 1, caller.rateSubject, at: 1000 * day) == nil)
        for _ in 0..<3 {
            let found = standings(
                [perKey, byModel, byRoute, perIP], request(caller, .keys([caller])), ledger)
            #expect(
                found.map(\.key) == [
                    "requests_per_minute", "tokens_per_day", "concurrent_per_none", "requests_per_hour",
                    "money_per_month",
                ])
            #expect(found.map(\.used) == [3, 400, 1, 0, 0])
            #expect(found.map(\.remaining) == [57, 600, 3, 20, 5_000_000_000])
            #expect(found[0].resetIn == minute && found[2].resetIn == nil && found[3].resetIn == 0)
        }
    }

    @Test func `who came without a credential is known by the address`() {
        let ledger = Ledger()
        #expect(ledger.use(perIP.measures[0], 1, LimitSubject(address), at: 1000 * day) == nil)
        #expect(ledger.use(perKey.measures[0], 1, LimitSubject(address), at: 1000 * day) == nil)
        #expect(standings([perKey, perIP], request(), ledger).map(\.used) == [1, 0, 0, 1, 0])
    }

    @Test func `a caller's own limit stands in the place of what gives way to it`() {
        let ledger = Ledger()
        let caller = Caller.test("k", perMinute: 5)
        let auth = AuthPlan.keys([caller])
        #expect(ledger.use(auth.ownMeasure, 1, caller.rateSubject, at: 1000 * day) == nil)
        let found = standings([perKey, perIP], request(caller, auth), ledger)
        #expect(found.map(\.key).first == "tokens_per_day")
        #expect(found.last?.name == auth.name && found.last?.key == "requests_per_minute")
        #expect(found.last?.max == 5 && found.last?.used == 1 && found.last?.remaining == 4)
        #expect(standings([], request(caller, auth), ledger).count == 1)
    }

    @Test func `nobody is told of a limit in shadow`() {
        let measure = LimitMeasure.test(1, .requests, .minute, max: 5, isShadow: true)
        let plan = LimitPlan(name: PlanText("l"), measures: [measure], subject: .key)
        #expect(standings([plan], request(), Ledger()) == [])
    }

    @Test func `what is used beyond the limit leaves nothing, not less`() {
        let ledger = Ledger()
        let reservation = Reservation.one(perKey.measures[1], LimitSubject(address), 10)
        #expect(ledger.reserve(reservation, at: .both(1000 * day)) == nil)
        reservation[0].actual = 1500
        ledger.settle(reservation, at: .both(1000 * day))
        let found = standings([perKey], request(), ledger)
        #expect(found[1].used == 1500 && found[1].remaining == 0)
    }
}

@Suite(.tags(.fast)) struct LimitsActionTests {
    @Test func `the answer says it in the units of the file, money as text`() throws {
        let mailbox = try Mailbox()
        let ledger = Ledger()
        let action = LimitsAction([perKey, perIP], in: ledger)
        let ticket = Ticket(worker: 0, number: 1)
        action.answer(
            Question(ticket: ticket, answerer: action, subject: .action(request())),
            Reply(ticket: ticket, mailbox: mailbox))
        guard case .answered(ticket, .reply(let reply))? = mailbox.takeAll().first else {
            throw Unexpected("no answer")
        }
        let answer = try ActionTestAnswer(reply)
        #expect(answer.status == 200 && !answer.isStored)
        guard case .array(let limits) = answer.body["limits"] else { throw Unexpected(answer.text) }
        #expect(limits.count == 5)
        for (member, value) in [
            ("name", JSONValue.string("l")), ("limit", .integer(60)), ("used", .integer(0)),
            ("remaining", .integer(60)), ("reset_in_seconds", .integer(0)), ("window_seconds", .integer(60)),
        ] {
            #expect(limits[0][member] == value, "\(member)")
        }
        #expect(limits[0]["resets_at"]?.text?.hasSuffix("Z") == true)
        #expect(limits[2]["reset_in_seconds"] == .null && limits[2]["resets_at"] == .null)
        #expect(limits[4]["limit"] == .string("5") && limits[4]["remaining"] == .string("5"))
        #expect(limits[4]["window_seconds"] == .null)
    }

    @Test func `an amount of money is exact, and a time is never too early`() throws {
        let standing = LimitStanding(
            name: "m", key: "usd_per_day", unit: .money, period: .day, max: 5_000_000_000, used: 12_300_000,
            resetIn: 1_000_000_001)
        let answer = try ActionTestAnswer(ActionAnswers.limits([standing], at: 1_000_000_000_000_000_000))
        #expect(
            answer.text
                == #"{"limits":[{"name":"m","key":"usd_per_day","limit":"5","used":"0.0123","#
                + #""remaining":"4.9877","reset_in_seconds":2,"resets_at":"2001-09-09T01:46:42Z","#
                + #""window_seconds":86400}]}"# + "\n")
    }
}
