import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RouteTableTests {
    private struct Asked {
        var path = "/"
        var host = "a"
        var method = "GET"
        var fields = ""
        var listener = 0
    }

    /// Parses a real request, so that the table is asked as a worker asks it.
    private func ask<Value>(_ asked: Asked, _ body: (RouteTable.Query) -> Value) -> Value? {
        let fields = FieldTable()
        defer { fields.deallocate() }
        let request = "\(asked.method) \(asked.path) HTTP/1.1\r\nHost: \(asked.host)\r\n\(asked.fields)\r\n"
        return withExactBytes(request) { buffer in
            let bytes = UnsafeRawBufferPointer(buffer)
            do throws(HeadError) {
                guard let head = try HeadParser.parseRequest(bytes, limits: testLimits, fields: fields) else {
                    return nil
                }
                return body(
                    RouteTable.Query(
                        path: head.path.bytes(of: bytes), host: head.host.bytes(of: bytes),
                        method: head.method,
                        methodName: head.methodBytes.bytes(of: bytes), listener: asked.listener, head: bytes,
                        fields: fields, fieldCount: head.fieldCount))
            } catch {
                return nil
            }
        }
    }

    private func match(_ routes: [RoutePlan], _ asked: Asked) -> RouteTable.Outcome? {
        let table = RouteTable(routes: routes)
        return ask(asked) { table.match($0) }
    }

    private func path(_ text: String) -> PathPattern {
        if text.hasSuffix("/**") { return .subtree(Array(text.utf8.dropLast(3))) }
        if text.hasSuffix("*") { return .prefix(Array(text.utf8.dropLast())) }
        return .exact(Array(text.utf8))
    }

    private func routes(_ paths: String...) -> [RoutePlan] { paths.map { .test(path($0)) } }

    @Test(
        arguments: [
            ("/health", 0), ("/health/", nil), ("/healthz", nil), ("/Health", nil), ("/v1", 2), ("/v1/", 2),
            ("/v1/a/b", 2),
            ("/v1x", nil), ("/v1/chat", 1), ("/v1/chat/completions", 1), ("/v1/chatty", 1), ("/v1/cha", 2),
            ("/v", nil),
            ("/%76%31/x", nil),
        ] as [(String, Int?)])
    func `exact, prefix and subtree match what they say`(path: String, route: Int?) {
        let found = match(routes("/health", "/v1/chat*", "/v1/**"), Asked(path: path))
        #expect(found == (route.map { .route($0) } ?? .notFound))
    }

    @Test func `file order decides, whatever the pattern`() {
        #expect(match(routes("/**", "/a", "/a*"), Asked(path: "/a")) == .route(0))
        #expect(match(routes("/b", "/a*", "/a", "/a/**", "/**"), Asked(path: "/a")) == .route(1))
        #expect(match(routes("/a/**", "/a"), Asked(path: "/a")) == .route(0))
        #expect(match(routes("/a", "/a", "/a"), Asked(path: "/a")) == .route(0))
        #expect(match(routes("/a/b/c*", "/a/**", "/**"), Asked(path: "/a/b/c/d")) == .route(0))
    }

    @Test func `everything is matched by the empty subtree, also the asterisk`() {
        #expect(match(routes("/**"), Asked(path: "/")) == .route(0))
        #expect(match(routes("/**"), Asked(path: "*", method: "OPTIONS")) == .route(0))
        #expect(match([], Asked()) == .notFound)
    }

    @Test(
        arguments: [
            ("api.test", 0), ("API.Test:8000", 0), ("api.test.", 0), ("x.api.test", 1), ("a.b.test", 1),
            ("test", 2),
            (".test", nil), ("xapi.test", 1), ("other", 2), ("[::1]:80", 2),
        ] as [(String, Int?)])
    func `hosts are matched without case, port and root dot`(host: String, route: Int?) {
        let routes: [RoutePlan] = [
            .test(host: .exact(Array("api.test".utf8))), .test(host: .suffix(Array(".test".utf8))), .test(),
        ]
        guard let route else { return }
        #expect(match(routes, Asked(host: host)) == .route(route))
    }

    @Test func `a wildcard needs one more label`() {
        let routes: [RoutePlan] = [.test(host: .suffix(Array(".test".utf8)))]
        for host in ["test", "test.", "atest", "a.testx"] {
            #expect(match(routes, Asked(host: host)) == .notFound)
        }
    }

    @Test func `methods decide last and say 405 only where all else holds`() {
        let get = MethodSet(bits: 1 << Method.get.rawValue, others: [])
        let post = MethodSet(bits: 1 << Method.post.rawValue, others: [Array("PURGE".utf8)])
        let routes: [RoutePlan] = [
            .test(path("/a"), methods: get), .test(path("/a*"), methods: post),
            .test(path("/a"), host: .exact(Array("other".utf8)), methods: .any),
        ]
        #expect(match(routes, Asked(path: "/a", method: "GET")) == .route(0))
        #expect(match(routes, Asked(path: "/a", method: "POST")) == .route(1))
        #expect(match(routes, Asked(path: "/a", method: "PURGE")) == .route(1))
        #expect(match(routes, Asked(path: "/a", method: "PUT")) == .methodNotAllowed)
        #expect(match(routes, Asked(path: "/a", method: "purge")) == .methodNotAllowed)
        #expect(match(routes, Asked(path: "/b", method: "PUT")) == .notFound)
        #expect(match(routes, Asked(path: "/a", host: "other", method: "PUT")) == .route(2))
        let union = ask(Asked(path: "/a", method: "PUT")) { RouteTable(routes: routes).allowedMethods($0) }
        #expect(union == MethodSet(bits: get.bits | post.bits, others: post.others))
        let narrow = ask(Asked(path: "/ab", method: "PUT")) { RouteTable(routes: routes).allowedMethods($0) }
        #expect(narrow == post)
    }

    @Test func `headers and listeners are conditions like any other`() {
        let gold = HeaderCondition(name: Array("x-tier".utf8), value: Array("gold".utf8))
        let beta = HeaderCondition(name: Array("x-beta".utf8), value: nil)
        let routes: [RoutePlan] = [
            .test(headers: [gold, beta]), .test(headers: [gold]), .test(headers: [beta]),
            .test(listeners: [1, 3]),
        ]
        #expect(match(routes, Asked(fields: "X-Tier: gold\r\nX-BETA:\r\n")) == .route(0))
        #expect(match(routes, Asked(fields: "x-tier: silver\r\nx-tier:  gold \r\n")) == .route(1))
        #expect(match(routes, Asked(fields: "x-tier: Gold\r\nx-beta: no\r\n")) == .route(2))
        #expect(match(routes, Asked(fields: "x-tiers: gold\r\n", listener: 3)) == .route(3))
        #expect(match(routes, Asked(listener: 2)) == .notFound)
    }

    // MARK: Against the plainest way to do it

    private struct Plain {
        var pattern: String
        var methods: MethodSet
        var listener: Int?

        func matches(_ path: String) -> Bool {
            if pattern.hasSuffix("/**") {
                let root = pattern.dropLast(3)
                return path == root || path.hasPrefix(root + "/") || root.isEmpty
            }
            return pattern.hasSuffix("*") ? path.hasPrefix(pattern.dropLast()) : path == pattern
        }
    }

    private func randomPath(_ random: inout SeededGenerator, depth: Int, names: [String]) -> String {
        let count = Int.random(in: 1...depth, using: &random)
        return (0..<count).map { _ in "/" + names.randomElement(using: &random)! }.joined()
    }

    private func compare(seed: UInt64, routeCount: Int, asks: Int, names: [String]) {
        var random = SeededGenerator(seed: seed)
        let get = MethodSet(bits: 1 << Method.get.rawValue, others: [])
        let plain = (0..<routeCount).map { _ in
            Plain(
                pattern: randomPath(&random, depth: 3, names: names) + ["", "", "*", "/**"].randomElement(
                    using: &random)!,
                methods: Bool.random(using: &random) ? .any : get,
                listener: Int.random(in: 0...3, using: &random) == 0 ? 1 : nil)
        }
        let table = RouteTable(
            routes: plain.map {
                .test(path($0.pattern), methods: $0.methods, listeners: $0.listener.map { [$0] } ?? [])
            })
        for _ in 0..<asks {
            let asked = Asked(
                path: randomPath(&random, depth: 4, names: names),
                method: ["GET", "POST"].randomElement(using: &random)!,
                listener: Int.random(in: 0...1, using: &random))
            let candidates = plain.indices.filter {
                plain[$0].matches(asked.path) && plain[$0].listener ?? asked.listener == asked.listener
            }
            let first = candidates.first { plain[$0].methods == .any || asked.method == "GET" }
            let expected: RouteTable.Outcome =
                first.map { .route($0) } ?? (candidates.isEmpty ? .notFound : .methodNotAllowed)
            #expect(ask(asked) { table.match($0) } == expected, "\(asked), seed \(seed)")
        }
    }

    @Test(arguments: UInt64(1)...60)
    func `random tables agree with going through the file`(seed: UInt64) {
        compare(seed: seed, routeCount: 30, asks: 40, names: ["a", "b", "ab", "", "v1"])
    }

    @Test func `ten thousand routes agree with going through the file`() {
        compare(seed: 99, routeCount: 10_000, asks: 40, names: (0..<40).map { "name\($0)" })
    }
}
