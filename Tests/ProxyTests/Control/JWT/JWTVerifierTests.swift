// Covers JWTVerifier.swift, JWTClaims.swift, CompactJWS.swift
import Stores
import Testing

@testable import Config
@testable import Proxy

private let every = JWTAlgorithm.allCases.map(\.rawValue)

private func keys(for algorithm: String) throws -> JWTKeySet {
    switch try #require(JWTAlgorithm(rawValue: algorithm)).keyKind {
    case .secret: try JWTKeySet(secret: Secret(ForeignTokens.secret))
    case .rsa: try JWTKeySet(pem: Array(ForeignTokens.rsaPEM.utf8))
    case .p256: try JWTKeySet(pem: Array(ForeignTokens.p256PEM.utf8))
    case .p384: try JWTKeySet(pem: Array(ForeignTokens.p384PEM.utf8))
    case .ed25519: try JWTKeySet(pem: Array(ForeignTokens.ed25519PEM.utf8))
    }
}

private func token(_ algorithm: String) throws -> [UInt8] {
    Array(try #require(ForeignTokens.tokens[algorithm]).utf8)
}

@Suite struct `Algorithms` {
    @Test(arguments: every) func `a foreign token is good`(algorithm: String) throws {
        let verifier = JWTVerifier(jwtConfig(algorithms: [algorithm]), keys: try keys(for: algorithm))
        let verified = try verifier.verify(token(algorithm), now: 1000)
        #expect(
            verified
                == JWTVerifier.Verified(
                    caller: "alice", subject: "alice", expiresAt: 4_102_444_800, models: []))
    }

    @Test(arguments: every) func `a token is refused where its algorithm is not listed`(algorithm: String)
        throws
    {
        let others = every.filter { $0 != algorithm }
        let verifier = JWTVerifier(jwtConfig(algorithms: others), keys: try keys(for: algorithm))
        #expect(refusal(verifier, try token(algorithm)) == .algorithmNotAllowed)
    }

    @Test(arguments: every) func `a key verifies its own kind alone, whatever is listed`(algorithm: String)
        throws
    {
        let kind = JWTAlgorithm(rawValue: algorithm)?.keyKind
        for other in every where JWTAlgorithm(rawValue: other)?.keyKind != kind {
            let verifier = JWTVerifier(jwtConfig(algorithms: every), keys: try keys(for: other))
            #expect(refusal(verifier, try token(algorithm)) == .keyUnknown(id: nil), "\(other)")
        }
    }

    @Test(arguments: every) func `no octet of a token can be changed`(algorithm: String) throws {
        let verifier = JWTVerifier(jwtConfig(algorithms: [algorithm]), keys: try keys(for: algorithm))
        let good = try token(algorithm)
        for index in good.indices {
            for change in [UInt8(1), 0x20, 0x80] {
                var bad = good
                bad[index] ^= change
                #expect(refusal(verifier, bad) != nil, "octet \(index) ^ \(change)")
            }
        }
    }

    @Test(arguments: every) func `no token can be cut or continued`(algorithm: String) throws {
        let verifier = JWTVerifier(jwtConfig(algorithms: [algorithm]), keys: try keys(for: algorithm))
        let good = try token(algorithm)
        for count in good.indices { #expect(refusal(verifier, Array(good[..<count])) != nil, "\(count)") }
        for more in ["A", "AAAA", "=", ".", ".A", " ", "\n"] {
            #expect(refusal(verifier, good + Array(more.utf8)) != nil, "\(more)")
        }
    }

    @Test func `a public key is no secret`() throws {
        let verifier = JWTVerifier(jwtConfig(algorithms: ["RS256", "HS256"]), keys: try keys(for: "RS256"))
        #expect(refusal(verifier, Array(ForeignTokens.confused.utf8)) == .keyUnknown(id: nil))
        // The token is what it claims to be: with that text as the secret it is good.
        let secret = try JWTKeySet(secret: Secret(ForeignTokens.rsaPEM + "\n"))
        let fooled = JWTVerifier(jwtConfig(algorithms: ["HS256"]), keys: secret)
        #expect(refusal(fooled, Array(ForeignTokens.confused.utf8)) == nil)
    }

    @Test(arguments: ["none", "None", "NONE", "", "hs256", "HS256 ", "HS257"])
    func `what is no algorithm of ours is none`(name: String) throws {
        #expect(try refusal(header: #"{"alg":"\#(name)"}"#) == .algorithmNotAllowed)
        let listed = jwtConfig(algorithms: [name])
        #expect(try refusal(header: #"{"alg":"\#(name)"}"#, listed) == .algorithmNotAllowed)
    }

    @Test func `an unsigned token is refused`() throws {
        let verifier = JWTVerifier(
            jwtConfig(algorithms: ["none", "HS256"]), keys: try keys(for: "HS256"))
        let unsigned =
            Base64URL.encode(#"{"alg":"none"}"#.utf8) + [UInt8(ascii: ".")]
            + Base64URL.encode(#"{"sub":"alice","exp":2000}"#.utf8) + [UInt8(ascii: ".")]
        #expect(refusal(verifier, unsigned) == .algorithmNotAllowed)
    }

    @Test func `another secret is another signature`() throws {
        let keys = try JWTKeySet(secret: Secret("another secret that is long enough, too"))
        #expect(refusal(JWTVerifier(jwtConfig(), keys: keys), TokenForge().token) == .signatureWrong)
    }

    @Test func `without keys nobody can tell`() {
        #expect(refusal(JWTVerifier(jwtConfig(), keys: .none), TokenForge().token) == .keysUnavailable)
    }

    @Test func `new keys are used from then on`() throws {
        let forge = TokenForge()
        let verifier = JWTVerifier(jwtConfig(), keys: .none)
        verifier.use(try JWTKeySet(secret: forge.secret))
        #expect(refusal(verifier, forge.token) == nil)
    }
}

@Suite struct `The form of a token` {
    @Test(arguments: [
        "", ".", "..", "...", "a.b", "a.b.c.d", "e30.e30.e30", "!.e30.e30", "e30=.e30.", " ..", "W10.e30.",
    ])
    func `what is no token is malformed`(text: String) throws {
        let verifier = JWTVerifier(jwtConfig(), keys: try JWTKeySet(secret: TokenForge().secret))
        #expect(refusal(verifier, Array(text.utf8)) == .malformed)
    }

    @Test(arguments: [
        #"{}"#, #"{"alg":1}"#, #"{"alg":null}"#, #"["HS256"]"#, #"{"alg":"HS256","alg":"HS256"}"#,
        #"{"alg":"HS256","crit":["exp"]}"#, #"{"alg":"HS256","crit":[]}"#, #"{"alg":"HS256","crit":null}"#,
        #"{"alg":"HS256","b64":false}"#, #"{"alg":"HS256","kid":7}"#, #"{"alg":"HS256"} {}"#,
        #"{"alg":"HS256""#,
    ])
    func `a header that is not sound is malformed`(header: String) throws {

        #expect(try refusal(header: header) == .malformed)
    }

    @Test(arguments: [
        #"{"alg":"HS256","typ":"at+jwt"}"#, #"{"typ":7,"alg":"HS256","x":{"y":[1]}}"#,
        #"{"alg":"HS256","jku":"http://evil.example/","jwk":{"kty":"oct","k":"AA"}}"#,
        #"{"alg":"HS256","kid":"anything"}"#, #"{"alg":"HS256","b64":true}"#,
    ])
    func `what a header says besides does not matter`(header: String) throws {
        #expect(try refusal(header: header) == nil)
    }

    @Test func `a header and a token have a bound`() throws {
        func header(_ count: Int) -> String {
            #"{"alg":"HS256","x":""# + String(repeating: "a", count: count)
        }
        #expect(try refusal(header: header(3000) + #""}"#) == nil)
        #expect(try refusal(header: header(3072) + #""}"#) == .malformed)
        let long = String(repeating: "a", count: 11_000)
        #expect(try refusal(claims: #"{"sub":"alice","exp":2000,"x":"\#(long)"}"#) == nil)
        #expect(try refusal(claims: #"{"sub":"alice","exp":2000,"x":"\#(long)\#(long)"}"#) == .malformed)
    }
}

@Suite struct `Times` {
    @Test func `a token ends with its expiry`() throws {
        #expect(try refusal(now: 1999) == nil)
        #expect(try refusal(now: 2000) == .expired)
        #expect(try refusal(jwtConfig(leeway: .seconds(30)), now: 2029) == nil)
        #expect(try refusal(jwtConfig(leeway: .seconds(30)), now: 2030) == .expired)
    }

    @Test func `the leeway is part of when it ends`() throws {
        #expect(try TokenForge().verified(jwtConfig(leeway: .seconds(30))).expiresAt == 2030)
    }

    @Test func `an expiry is required unless it is not`() throws {
        let eternal = #"{"sub":"alice"}"#
        #expect(try refusal(claims: eternal) == .claimMissing("exp"))
        #expect(try refusal(claims: eternal, jwtConfig(requiresExpiry: false)) == nil)
        #expect(
            try TokenForge(claims: eternal).verified(jwtConfig(requiresExpiry: false)).expiresAt == nil)
        let ended = #"{"sub":"alice","exp":999}"#
        #expect(try refusal(claims: ended, jwtConfig(requiresExpiry: false)) == .expired)
    }

    @Test(arguments: ["nbf", "iat"]) func `a token does not begin before its time`(claim: String) throws {
        let claims = #"{"sub":"alice","exp":2000,"\#(claim)":1010}"#
        #expect(try refusal(claims: claims, now: 1009) == .notYetValid)
        #expect(try refusal(claims: claims, now: 1010) == nil)
        #expect(try refusal(claims: claims, jwtConfig(leeway: .seconds(10)), now: 1000) == nil)
    }

    @Test func `fractions of a second are on the safe side`() throws {
        #expect(try refusal(claims: #"{"sub":"alice","exp":1000.5}"#, now: 999) == nil)
        #expect(try refusal(claims: #"{"sub":"alice","exp":1000.5}"#, now: 1000) == .expired)
        #expect(try refusal(claims: #"{"sub":"alice","exp":2e3,"nbf":1000.5}"#, now: 1000) == .notYetValid)
        #expect(try refusal(claims: #"{"sub":"alice","exp":2e3,"nbf":1000.5}"#, now: 1001) == nil)
    }

    @Test(
        arguments: ["exp", "nbf", "iat"],
        [
            "-1", "-0.5", "1e300", "1e999", "253402300800", "9223372036854775807", "99999999999999999999",
            #""2000""#, "null", "true", "[2000]", "{}", #""""#,
        ])
    func `a time that is none is malformed`(claim: String, value: String) throws {
        let other = claim == "exp" ? "" : #","exp":2000"#
        #expect(try refusal(claims: #"{"sub":"alice"\#(other),"\#(claim)":\#(value)}"#) == .malformed)
    }
}

@Suite struct `Issuer and audience` {
    @Test func `the issuer is compared exactly`() throws {
        let config = jwtConfig(issuer: "https://id.example")
        func from(_ issuer: String) throws -> JWTVerifier.Refusal? {
            try refusal(claims: #"{"sub":"alice","exp":2000,"iss":\#(issuer)}"#, config)
        }
        #expect(try from(#""https://id.example""#) == nil)
        #expect(try from(#""https://id.example/""#) == .issuerWrong)
        #expect(try from(#""HTTPS://id.example""#) == .issuerWrong)
        #expect(try from(#"["https://id.example"]"#) == .issuerWrong)
        #expect(try refusal(config) == .claimMissing("iss"))
    }

    @Test func `one audience of several is enough`() throws {
        let config = jwtConfig(audiences: ["headgate", "gate"])
        func to(_ audience: String) throws -> JWTVerifier.Refusal? {
            try refusal(claims: #"{"sub":"alice","exp":2000,"aud":\#(audience)}"#, config)
        }
        #expect(try to(#""gate""#) == nil)
        #expect(try to(#"["other","headgate"]"#) == nil)
        #expect(try to(#""other""#) == .audienceWrong)
        #expect(try to(#"[]"#) == .audienceWrong)
        #expect(try to(#"["headgate",7]"#) == .malformed)
        #expect(try to("7") == .malformed)
        #expect(try refusal(config) == .claimMissing("aud"))
    }

    @Test func `what is not configured is not looked at`() throws {
        let claims = #"{"sub":"alice","exp":2000,"aud":"other","iss":"https://other.example"}"#
        #expect(try refusal(claims: claims) == nil)
    }
}

@Suite struct `Claims` {
    @Test(arguments: [#"{"a":1"#, "", "[]", "7", #""text""#, #"{"sub":"a","sub":"b","exp":2000}"#, "\u{FF}"])
    func `a payload that is no JSON object is malformed`(claims: String) throws {
        #expect(try refusal(claims: claims) == .malformed)
    }

    @Test func `required claims are there and not null`() throws {
        let config = jwtConfig(required: ["email"])
        #expect(try refusal(config) == .claimMissing("email"))
        #expect(
            try refusal(claims: #"{"sub":"a","exp":2000,"email":null}"#, config) == .claimMissing("email"))
        #expect(try refusal(claims: #"{"sub":"a","exp":2000,"email":""}"#, config) == nil)
    }

    @Test func `a name with dots is a name first, and then a path`() throws {
        let config = jwtConfig(caller: "realm.user")
        func caller(_ claims: String) throws -> String {
            try TokenForge(claims: claims).verified(config).caller
        }
        #expect(try caller(#"{"exp":2000,"realm":{"user":"inner"}}"#) == "inner")
        #expect(try caller(#"{"exp":2000,"realm":{"user":"inner"},"realm.user":"outer"}"#) == "outer")
        #expect(
            try refusal(claims: #"{"exp":2000,"realm":"user"}"#, config) == .claimMissing("realm.user"))
    }

    @Test func `a caller is a text or a whole number`() throws {
        func caller(_ value: String) throws -> String {
            try TokenForge(claims: #"{"exp":2000,"sub":\#(value)}"#).verified().caller
        }
        #expect(try caller("42") == "42")
        #expect(try caller(#""Ünï""#) == "Ünï")
        #expect(try caller(#""\#(String(repeating: "a", count: 256))""#).utf8.count == 256)
        let bad = [
            #""""#, "1.5", "true", "[]", "{}", #""a\u0000b""#, #""a\nb""#, #""\u007f""#, #""\u0085""#,
            #""\u2028""#, #""\#(String(repeating: "a", count: 257))""#,
        ]
        for value in bad {
            #expect(try refusal(claims: #"{"exp":2000,"sub":\#(value)}"#) == .malformed, "\(value)")
        }
        #expect(try refusal(claims: #"{"exp":2000}"#) == .claimMissing("sub"))
    }

    @Test func `a limit is a whole number of requests`() throws {
        let config = jwtConfig(limit: "rpm")
        func limit(_ rest: String) throws -> Int? {
            try TokenForge(claims: #"{"sub":"a","exp":2000\#(rest)}"#).verified(config).requestsPerMinute
        }
        #expect(try limit(#","rpm":60"#) == 60)
        #expect(try limit(#","rpm":1000000"#) == 1_000_000)
        #expect(try limit("") == nil)
        for value in ["0", "-1", "1000001", "1.5", #""60""#, "true", "[]"] {
            let claims = #"{"sub":"a","exp":2000,"rpm":\#(value)}"#
            #expect(try refusal(claims: claims, config) == .malformed, "\(value)")
        }
    }

    @Test func `models are one name or several`() throws {
        let config = jwtConfig(models: "models")
        func models(_ rest: String) throws -> [String] {
            try TokenForge(claims: #"{"sub":"a","exp":2000\#(rest)}"#).verified(config).models
        }
        #expect(try models(#","models":["a","b"]"#) == ["a", "b"])
        #expect(try models(#","models":"a""#) == ["a"])
        #expect(try models("") == [])
        for value in ["[]", "7", #"["a",7]"#, #""""#, #"["a",""]"#, "{}"] {
            let claims = #"{"sub":"a","exp":2000,"models":\#(value)}"#
            #expect(try refusal(claims: claims, config) == .malformed, "\(value)")
        }
    }

    @Test func `no reason quotes the token`() {
        let reasons: [JWTVerifier.Refusal] = [
            .malformed, .algorithmNotAllowed, .signatureWrong, .expired, .notYetValid, .issuerWrong,
            .audienceWrong, .claimMissing("email"), .keyUnknown(id: "canary"), .keysUnavailable,
        ]
        #expect(Set(reasons.map(\.description)).count == reasons.count)
        #expect(!reasons.contains { $0.description.contains("canary") })
    }
}
