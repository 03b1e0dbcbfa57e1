import Testing

@testable import Config

private let five =
    "requests_per_second: 1, requests_per_minute: 1, requests_per_hour: 1, requests_per_day: 1, concurrent: 1"

/// Key paths of what is wrong with one route.
private func problems(
    _ severity: Diagnostic.Severity, _ route: String, limits: String = "", auth: String = "keys",
    process: String = "{}"
) -> [String] {
    let text = """
        version: 1
        process: \(process)
        listeners: { l: 127.0.0.1:1 }
        stores: { main: m.db }
        auth:
          keys: { mode: user-keys }
          shared: { mode: env-key, variables: K }
          apps: { mode: token-file, file: t.json }
          plain: { mode: jwt, algorithms: RS256, public_key: k, issuer: i, audience: a }
          staff: { mode: jwt, algorithms: RS256, public_key: k, issuer: i, audience: a, claims: { requests_per_minute: r } }
        upstreams: { u: http://127.0.0.1:2 }
        limits: { one: { by: ip, \(five) }, two: { by: [ip, key], \(five) }, three: { by: [ip, user], \(five) }, \(limits) }
        routes: [{ path: /a, auth: \(auth), \(route) }]
        """
    return read(text).diagnostics.filter { $0.severity == severity }.map(\.keyPath)
        .filter { severity == .error || $0.hasPrefix("routes") }
}

private func errors(
    _ route: String, limits: String = "", auth: String = "keys", process: String = "{}"
) -> [String] {
    problems(.error, route, limits: limits, auth: auth, process: process)
}

@Suite struct RouteLimitChecksTests {
    @Test(arguments: [
        "by: upstream, requests_per_minute: 5", "by: [ip, model], requests_per_minute: 5",
        "by: ip, tokens_per_minute: 5, tokens: input",
    ])
    func `what only an upstream gives counts nothing without one`(_ limit: String) {
        let limits = "x: { \(limit) }"
        #expect(errors("respond: {}, limits: x", limits: limits) == ["routes[0].limits"])
        #expect(errors("action: me, limits: [one, x]", limits: limits) == ["routes[0].limits[1]"])
        #expect(errors("to: u, limits: x", limits: limits) == [])
    }

    @Test func `other limits hold everywhere`() {
        let limits = "x: { by: [key, user, ip, route], requests_per_minute: 5, concurrent: 1 }"
        #expect(errors("respond: {}, limits: x", limits: limits) == [])
    }

    @Test(arguments: [
        ("shared", 16), ("apps", 16), ("plain", 16), ("keys", 15), ("staff", 15), ("[shared, keys]", 15),
    ])
    func `a request is counted by sixteen numbers at most, its caller's own included`(auth: String, max: Int)
    {
        let limits = "x: { by: ip, concurrent: 1 }, y: { by: ip, concurrent: 1 }"
        #expect(errors("to: u, limits: [one, two, three]", auth: auth) == [])
        let sixteen = errors("to: u, limits: [one, two, three, x]", limits: limits, auth: auth)
        #expect(sixteen == (max < 16 ? ["routes[0].limits"] : []))
        #expect(
            errors("to: u, limits: [one, two, three, x, y]", limits: limits, auth: auth) == [
                "routes[0].limits"
            ])
    }

    @Test func `a caller's own limit takes the place of one by key`() {
        let limits = "x: { by: key, requests_per_minute: 1 }"
        #expect(errors("to: u, limits: [one, two, three, x]", limits: limits) == [])
    }

    @Test func `a body that is held fits into what is there for all`() {
        #expect(
            errors("to: u, inspect_body: 17MiB", process: "{ body_memory: 16MiB }") == [
                "routes[0].inspect_body"
            ])
        #expect(errors("to: u, inspect_body: 16MiB", process: "{ body_memory: 16MiB }") == [])
        #expect(errors("to: u", process: "{ body_memory: 16MiB }") == [])
    }

    @Test(arguments: [
        ("shared", true), ("plain", true), ("keys", false), ("staff", false), ("[shared, keys]", false),
    ])
    func `fields that tell of no limit have no effect`(auth: String, isWarned: Bool) {
        let fields = "rate_limit_headers: openai"
        #expect(
            problems(.warning, "to: u, \(fields)", auth: auth)
                == (isWarned ? ["routes[0].rate_limit_headers"] : []))
        #expect(problems(.warning, "to: u, \(fields), limits: one", auth: auth) == [])
        #expect(problems(.warning, "to: u", auth: auth) == [])
    }

    @Test(arguments: [
        ("to: u", true), ("to: u, limits: one", true), ("respond: {}", true),
        ("to: u, limits: [one, x]", false),
        ("to: u, limits: y", false),
    ])
    func `a bound on bodies that nobody looks into has no effect`(route: String, isWarned: Bool) {
        let limits =
            "x: { by: ip, tokens_per_minute: 5, tokens: input }, y: { by: [ip, model], requests_per_minute: 1 }"
        let inspecting = "\(route), inspect_body: 1MiB"
        let expected = isWarned ? ["routes[0].inspect_body"] : []
        #expect(problems(.warning, inspecting, limits: limits, auth: "shared") == expected)
        // The keys of a store, and some tokens, name the models that may be asked for.
        let isWarnedOfKeys = isWarned && !route.hasPrefix("to: u")
        #expect(problems(.warning, inspecting, limits: limits).isEmpty != isWarnedOfKeys)
        #expect(problems(.warning, route, limits: limits) == [])
    }
}
