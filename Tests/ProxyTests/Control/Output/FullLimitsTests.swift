import Config
import Testing

@testable import Proxy

// Covers LimitSubjectNames.swift

@Suite struct FullLimitsTests {
    private let folder = TemporaryFolder()
    private let now = 1000 * hour

    private func config() throws -> GatewayConfig {
        let path = folder.write(
            "headgate.yaml",
            """
            version: 1
            listeners: { one: 127.0.0.1:1 }
            auth: { open: { mode: none } }
            models: { gpt-5: {}, "local/*": {} }
            routes: [{ path: /, auth: open, respond: { text: x } }]
            """)
        return try #require(ConfigLoader(path: path).load().loaded).config
    }

    private func lines(_ limits: [LimitPlan], _ ledger: Ledger, _ auth: [AuthPlan] = []) throws -> [String] {
        var set = AuthSet()
        for plan in auth { set.plans[plan.name] = plan }
        let names = LimitSubjectNames(auth: set, config: try config())
        let full = FullLimits(limits, ledger, names, at: .both(now))
        #expect(full.unseen == 0)
        return full.lines.map { "\($0.subject): \($0.used)/\($0.max) \($0.percent)" }
    }

    private let address = PeerAddress(high: 0, low: 0xFFFF_0A01_0203, port: 1, isUnix: false)
    private let address6 = PeerAddress(high: 0x2001_0DB8_0000_0001, low: 7, port: 1, isUnix: false)

    @Test func `callers are known by their label, and addresses as they are`() throws {
        let ledger = Ledger()
        let limit = LimitPlan.test(.key, [(.requests, .minute, 10)])
        let measure = limit.measures[0]
        let known = Caller.test("secret-key", label: "web app")
        let plan = AuthPlan.keys([known])
        for subject in [known.rateSubject, LimitSubject(address), LimitSubject(address6)] {
            for _ in 0..<9 { _ = ledger.use(measure, 1, subject, at: now) }
        }
        for _ in 0..<10 { _ = ledger.use(measure, 1, Caller.test("unknown").rateSubject, at: now) }
        for _ in 0..<7 { _ = ledger.use(measure, 1, .test(9), at: now) }
        let found = try lines([limit], ledger, [plan])
        #expect(found.count == 4)
        #expect(found[0].hasPrefix("somebody (#") && found[0].hasSuffix("): 10/10 100"), "\(found)")
        #expect(
            Set(found.dropFirst()) == [
                "apps `web app`: 9/10 90", "10.1.2.3: 9/10 90", "2001:db8:0:1::/64: 9/10 90",
            ])
        #expect(!found.joined().contains("secret"))
    }

    @Test func `subjects of several parts are found by trying`() throws {
        let ledger = Ledger()
        let limit = LimitPlan.test([.key, .model], [(.tokens, .hour, 1000)])
        let known = Caller.test("secret-key", label: "web app")
        let subject = LimitSubject(
            of: limit.subject, caller: known, auth: nil, address: address, model: LimitSubject(name: "gpt-5"))
        _ = ledger.use(limit.measures[0], 950, subject, at: now)
        #expect(try lines([limit], ledger, [.keys([known])]) == ["apps `web app`, model gpt-5: 950/1000 95"])
    }

    @Test func `what is by route is found by what the route asks for`() throws {
        let ledger = Ledger()
        let limit = LimitPlan.test(.route, [(.requests, .hour, 2)])
        let route = try config().routes[0]
        let subject = LimitSubject(
            of: .route, caller: nil, auth: nil, address: address, route: LimitSubject(name: route.identity))
        for _ in 0..<2 { _ = ledger.use(limit.measures[0], 1, subject, at: now) }
        #expect(try lines([limit], ledger) == ["route 0: 2/2 100"])
    }

    @Test func `without limits nothing is looked at`() throws {
        #expect(try lines([], Ledger()) == [])
        #expect(FullLimits.none.textLines == [])
    }

    @Test func `people and programs read the same`() throws {
        let ledger = Ledger()
        let limit = LimitPlan.test(.ip, [(.requests, .minute, 10)])
        for _ in 0..<9 { _ = ledger.use(limit.measures[0], 1, LimitSubject(address), at: now) }
        let full = FullLimits(
            [limit], ledger, LimitSubjectNames(auth: AuthSet(), config: try config()), at: .both(now))
        #expect(full.textLines == ["nearly used l requests_per_minute: 9 of 10 (90 %) by 10.1.2.3"])
        var json = JSONText()
        json.object { full.append(to: &$0) }
        #expect(
            json.text
                == #"{"limits_nearly_used":[{"limit":"l","key":"requests_per_minute","subject":"10.1.2.3","#
                + #""used":9,"max":10,"percent":90}],"limit_subjects_unseen":0}"#)
    }
}
