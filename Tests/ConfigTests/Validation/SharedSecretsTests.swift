import Testing

@testable import Config

/// C12: a variable is what clients send, or what an upstream is sent.
@Suite struct SharedSecretsTests {
    static func errors(_ auth: String, _ value: String, action: String = "to: u") -> [String] {
        let text = """
            version: 1
            listeners: { l: 127.0.0.1:1 }
            auth: { a: { mode: env-key, \(auth) } }
            upstreams: { u: http://127.0.0.1:2 }
            routes: [{ path: /a, auth: a, \(action), request_headers: { set: { X-A: \(value) } } }]

            """
        let diagnostics = read(text, environment: ["K": "canary", "L": "canary"]).diagnostics
        #expect(!renderReport(diagnostics).contains("canary"))
        return diagnostics.filter { $0.severity == .error }.map(\.keyPath)
    }

    @Test(arguments: ["{ env: K }", "'${K}'", "'Bearer ${K}'", "'${L}${K}'", "'${K:-x}'"])
    func `a variable with both uses is refused`(_ value: String) {
        #expect(Self.errors("variables: K", value) == ["auth.a.variables"])
        #expect(Self.errors("variables: [M, K]", value) == ["auth.a.variables[1]"])
        #expect(Self.errors("variables: K, allow_shared_secret: true", value) == [])
        #expect(Self.errors("variables: M", value) == [])
    }

    @Test(arguments: ["K", "'$K'", "'$${K}'", "{ file: K }", "{ credential: K }"])
    func `what only looks like it is let be`(_ value: String) {
        #expect(Self.errors("variables: K", value) == [])
    }

    @Test(arguments: [
        "{ env: K }", "'${K}'", "{ any_of: [{ env: L }, { env: K }] }", "{ first_of: [{ env: K }] }",
        "{ first_of: [{ database: s }, { provision: { key: { env: K } } }] }",
        "{ first_of: [{ database: s }, { provision: { key: '${K}' } }] }",
    ])
    func `a variable that is a key of an upstream is refused as a client's`(_ key: String) {
        func errors(_ auth: String) -> [String] {
            let text = """
                version: 1
                listeners: { l: 127.0.0.1:1 }
                stores: { s: s.db }
                auth: { a: { mode: env-key, \(auth) } }
                upstreams: { u: { url: http://127.0.0.1:2, key: \(key) } }
                routes: [{ path: /a, auth: a, to: u }]

                """
            let diagnostics = read(text, environment: ["K": "canary", "L": "canary"]).diagnostics
            #expect(!renderReport(diagnostics).contains("canary"))
            return diagnostics.filter { $0.severity == .error }.map(\.keyPath)
        }
        #expect(errors("variables: [M, K]") == ["auth.a.variables[1]"])
        #expect(errors("variables: K, allow_shared_secret: true") == [])
        #expect(errors("variables: M") == [])
    }

    @Test func `what no upstream is sent is let be`() {
        #expect(Self.errors("variables: K", "{ env: K }", action: "respond: {}") == [])
    }
}
