import Testing

@testable import Config

@Suite struct JWTConfigTests {
    static func jwt(_ text: String, environment: [String: String] = [:]) throws -> JWTConfig {
        let auth = try AuthConfigTests.auth("mode: jwt, \(text)", environment: environment)
        guard case .jwt(let jwt) = auth.mode else { throw Noted() }
        return jwt
    }

    static func isRefused(_ text: String) -> Bool {
        read("version: 1\nauth: { a: { mode: jwt, \(text) } }\n", environment: ["K": "canary"]).config == nil
    }

    @Test func `a token is held to what the file says, and to no more`() throws {
        let jwt = try Self.jwt("algorithms: RS256, public_key: a.pem")
        #expect(jwt.algorithms == ["RS256"] && jwt.key == .publicKey(path: "a.pem"))
        #expect(
            jwt.issuer == nil && jwt.audiences.isEmpty && jwt.requiredClaims.isEmpty && jwt.requiresExpiry)
        #expect(jwt.leeway == .seconds(30) && jwt.refresh == .seconds(3600) && jwt.ca == nil)
        #expect(jwt.callerClaim == "sub" && jwt.limitClaim == nil && jwt.modelsClaim == nil)
        #expect(jwt.store == nil && jwt.subject == .id && jwt.lifetime == .seconds(86_400))
    }

    @Test func `every key is read`() throws {
        let jwt = try Self.jwt(
            """
            algorithms: [HS256, HS512], secret: { env: K }, issuer: i, audience: [a, b], leeway: 0s, \
            require: email, require_expiry: false, store: s, subject: username, lifetime: 1h, \
            claims: { caller: name, requests_per_minute: rpm, models: models }
            """, environment: ["K": "canary"])
        #expect(jwt.algorithms == ["HS256", "HS512"] && jwt.key == .secret(.environment("K")))
        #expect(jwt.issuer == "i" && jwt.audiences == ["a", "b"] && jwt.leeway == .zero)
        #expect(jwt.requiredClaims == ["email"] && !jwt.requiresExpiry && jwt.store == "s")
        #expect(jwt.subject == .username && jwt.lifetime == .seconds(3600))
        #expect(jwt.callerClaim == "name" && jwt.limitClaim == "rpm" && jwt.modelsClaim == "models")
    }

    /// Who may choose the algorithm could sign with the public key (RFC 8725 §2.1).
    @Test(arguments: JWTConfig.algorithms)
    func `an algorithm goes with one kind of key (S2-21)`(_ name: String) {
        let isShared = name.hasPrefix("HS")
        #expect(Self.isRefused("algorithms: \(name), secret: { file: k }") == !isShared)
        #expect(Self.isRefused("algorithms: \(name), public_key: k") == isShared)
        #expect(Self.isRefused("algorithms: \(name), jwks: k") == isShared)
        #expect(Self.isRefused("algorithms: [\(name), none], jwks: k"))
    }

    @Test(arguments: ["[RS256, none]", "[none, RS256]", "none", "[]", "[HS256, HS256, RS256]"])
    func `an algorithm that cannot be read has no second error`(_ algorithms: String) {
        for key in ["secret: { file: k }", "public_key: k", "jwks: k"] {
            let text = "version: 1\nauth: { a: { mode: jwt, algorithms: \(algorithms), \(key) } }\n"
            let errors = read(text).diagnostics.filter { $0.severity == .error }
            #expect(errors.count == 1 && !errors.contains { $0.message.contains("cannot stand") })
        }
    }

    @Test func `there is exactly one key, and an algorithm`() {
        #expect(Self.isRefused("algorithms: RS256"))
        #expect(Self.isRefused("algorithms: RS256, public_key: a, jwks: b"))
        #expect(Self.isRefused("algorithms: [], jwks: b"))
        #expect(Self.isRefused("jwks: b"))
    }

    @Test func `a secret in the file has at least 32 bytes, and is warned about (S2-03)`() throws {
        let secret = String(repeating: "s", count: 32)
        #expect(try Self.jwt("algorithms: HS256, secret: \(secret)").key == .secret(.literal(secret)))
        #expect(Self.isRefused("algorithms: HS256, secret: \(secret.dropLast())"))
        #expect(Self.isRefused("algorithms: HS256, secret: '${K}'"))
        let warnings = read("version: 1\nauth: { a: { mode: jwt, algorithms: HS256, secret: \(secret) } }\n")
            .diagnostics.map(\.message)
        #expect(warnings.contains("`auth.a.secret` holds a secret in plain text"))
    }

    @Test func `keys come from a path or a URL`() throws {
        #expect(try Self.jwt("algorithms: RS256, jwks: a/b.json").key == .jwksFile(path: "a/b.json"))
        func url(_ text: String) throws -> JWTConfig.EndpointURLWithPath? {
            guard case .jwksURL(let url) = try Self.jwt("algorithms: RS256, jwks: '\(text)'").key else {
                return nil
            }
            return url
        }
        let plain = try #require(try url("https://ID.example.com:8443/a/?b=c&d"))
        #expect(plain.endpoint.host == "id.example.com" && plain.endpoint.port == 8443)
        #expect(plain.endpoint.authority == "id.example.com:8443" && plain.endpoint.basePath.isEmpty)
        #expect(plain.target == "/a/?b=c&d")
        #expect(try url("https://a")?.target == "/")
        #expect(try url("https://a?b")?.target == "/?b")
        #expect(try url("http://127.0.0.1:1/k")?.endpoint.scheme == .http)
        #expect(try url("http://[::1]:1/k")?.endpoint.host == "::1")
        #expect(try url("http://localhost/k")?.target == "/k")
    }

    @Test(arguments: [
        "http://a/k", "http://127.example.com/k", "ftp://a/k", "https://a:b@c/k", "https://a/#b",
        "'https://a/ b'",
        "https://a/é", "https:///k", "''", "~", "[a]",
    ])
    func `what is no such URL is refused`(_ text: String) {
        #expect(Self.isRefused("algorithms: RS256, jwks: \(text)"))
    }

    @Test func `what has no effect is refused`() {
        #expect(Self.isRefused("algorithms: RS256, jwks: a.json, ca: a.pem"))
        #expect(Self.isRefused("algorithms: RS256, public_key: a.pem, refresh: 1h"))
        #expect(Self.isRefused("algorithms: RS256, public_key: a.pem, lifetime: 1h"))
    }

    @Test func `an issuer's whole public is warned about`() {
        func warnings(_ text: String) -> Int {
            read("version: 1\nauth: { a: { mode: jwt, algorithms: RS256, \(text) } }\n").diagnostics.count {
                $0.hint == "add `issuer` and `audience`"
            }
        }
        #expect(warnings("jwks: https://a/k") == 1)
        #expect(
            warnings("jwks: https://a/k, issuer: i") == 0 && warnings("jwks: https://a/k, audience: a") == 0)
        #expect(warnings("jwks: k.json") == 0)
    }
}
