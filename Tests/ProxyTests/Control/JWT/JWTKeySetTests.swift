// Covers JWTKeySet.swift, JWKSReader.swift, PublicKey.swift, DER.swift
import Stores
import Testing

@testable import Config
@testable import Proxy

private func problem(_ make: () throws(JWTKeyError) -> JWTKeySet) -> String? {
    do throws(JWTKeyError) {
        _ = try make()
        return nil
    } catch { return error.description }
}

private func pemProblem(_ text: String) -> String? {
    problem { () throws(JWTKeyError) in try JWTKeySet(pem: Array(text.utf8)) }
}

private func jwksProblem(_ text: String) -> String? {
    problem { () throws(JWTKeyError) in try JWTKeySet(jwks: Array(text.utf8)) }
}

private func set(_ keys: [String]) -> [UInt8] {
    Array((#"{"keys":["# + keys.joined(separator: ",") + "]}").utf8)
}

private let jwk = (
    rsa: ForeignTokens.jwks[0], p256: ForeignTokens.jwks[1], p384: ForeignTokens.jwks[2],
    ed25519: ForeignTokens.jwks[3]
)

extension String {
    fileprivate func with(_ member: String) -> String { "{" + member + "," + dropFirst() }
}

@Suite struct `A single key` {
    @Test func `a secret has at least 32 bytes`() {
        for count in [0, 1, 31] {
            let text = String(repeating: "s", count: count)
            let found = problem { () throws(JWTKeyError) in try JWTKeySet(secret: Secret(text)) }
            #expect(found?.contains("at least 32") == true)
        }
        let enough = String(repeating: "s", count: 32)
        #expect(problem { () throws(JWTKeyError) in try JWTKeySet(secret: Secret(enough)) } == nil)
    }

    @Test func `a certificate gives its key`() throws {
        let keys = try JWTKeySet(pem: Array(ForeignTokens.certificatePEM.utf8))
        let verifier = JWTVerifier(jwtConfig(algorithms: ["RS256"]), keys: keys)
        #expect(refusal(verifier, Array(ForeignTokens.namedRSA.utf8)) == nil)
    }

    @Test func `text around a key does not matter`() {
        #expect(pemProblem("the key of staff\n" + ForeignTokens.p256PEM + "\nthe end\n") == nil)
    }

    @Test(arguments: ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])
    func `a private key is refused, and told how to become a public one`(kind: String) {
        let text = "-----BEGIN \(kind)-----\nAAAA\n-----END \(kind)-----\n"
        #expect(pemProblem(text)?.contains("openssl pkey") == true)
        #expect(pemProblem(ForeignTokens.rsaPEM + "\n" + text)?.contains("openssl pkey") == true)
    }

    @Test func `what is no key is refused`() {
        #expect(pemProblem("")?.contains("PEM") == true)
        #expect(pemProblem("ssh-ed25519 AAAA me@here")?.contains("PEM") == true)
        #expect(pemProblem(String(ForeignTokens.p256PEM.dropLast(60)))?.contains("PEM") == true)
    }

    @Test func `a weak key and a curve of another size are refused`() {
        #expect(pemProblem(ForeignTokens.weakPEM)?.contains("1024 bits") == true)
        #expect(pemProblem(ForeignTokens.p521PEM)?.contains("P-256") == true)
    }
}

@Suite struct `A JWK set` {
    @Test func `every kind of key is read`() throws {
        let keys = try JWTKeySet(jwks: set(ForeignTokens.jwks))
        #expect(keys.leftOut == [])
        #expect(keys.keys.map(\.id) == ["rsa", "p256", "p384", "ed25519"])
        let config = jwtConfig(algorithms: JWTAlgorithm.allCases.map(\.rawValue))
        let verifier = JWTVerifier(config, keys: keys)
        for (algorithm, token) in ForeignTokens.tokens where !algorithm.hasPrefix("HS") {
            #expect(refusal(verifier, Array(token.utf8)) == nil, "\(algorithm)")
        }
    }

    @Test func `a token's kid says which key it is`() throws {
        let verifier = JWTVerifier(
            jwtConfig(algorithms: ["RS256"]), keys: try JWTKeySet(jwks: set([jwk.rsa])))
        #expect(refusal(verifier, Array(ForeignTokens.namedRSA.utf8)) == nil)
        #expect(refusal(verifier, Array(ForeignTokens.namedOther.utf8)) == .keyUnknown(id: "next"))
        verifier.use(try JWTKeySet(jwks: Array(ForeignTokens.nextJWKS.utf8)))
        #expect(refusal(verifier, Array(ForeignTokens.namedOther.utf8)) == nil)
        #expect(refusal(verifier, Array(ForeignTokens.namedRSA.utf8)) == .keyUnknown(id: "rsa"))
    }

    @Test func `a kid of another kind of key is no key for it`() throws {
        let ec = jwk.p256.replacing("p256", with: "rsa")
        let verifier = JWTVerifier(jwtConfig(algorithms: ["RS256"]), keys: try JWTKeySet(jwks: set([ec])))
        #expect(refusal(verifier, Array(ForeignTokens.namedRSA.utf8)) == .algorithmNotAllowed)
    }

    @Test func `a single key has no name that could be wrong`() throws {
        let keys = try JWTKeySet(pem: Array(ForeignTokens.rsaPEM.utf8))
        let verifier = JWTVerifier(jwtConfig(algorithms: ["RS256"]), keys: keys)
        #expect(refusal(verifier, Array(ForeignTokens.namedRSA.utf8)) == nil)
        #expect(refusal(verifier, Array(ForeignTokens.namedOther.utf8)) == .signatureWrong)
    }

    @Test func `a key's own algorithm is the only one`() throws {
        let keys = try JWTKeySet(jwks: set([jwk.rsa.with(#""alg":"RS512""#)]))
        let verifier = JWTVerifier(jwtConfig(algorithms: ["RS256", "RS512"]), keys: keys)
        #expect(refusal(verifier, Array(ForeignTokens.tokens["RS512"]!.utf8)) == nil)
        #expect(refusal(verifier, Array(ForeignTokens.tokens["RS256"]!.utf8)) == .keyUnknown(id: nil))
    }

    @Test(arguments: [
        (#""use":"enc""#, "signatures"), (#""use":7"#, "`use`"), (#""key_ops":["sign"]"#, "verifying"),
        (#""alg":"ES256""#, "another kind"), (#""alg":"RSA-OAEP""#, "not known"),
        (#""alg":"HS256""#, "another kind"),
        (#""d":"AQAB""#, "private"), (#""kty":7,"x":{"#, "JSON"),
    ])
    func `a key that is for something else is left out`(member: String, reason: String) throws {
        let odd = jwk.rsa.with(member)
        #expect(jwksProblem(#"{"keys":[\#(odd)]}"#)?.contains(reason) == true)
        guard !member.contains("{") else { return }
        let keys = try JWTKeySet(jwks: set([odd, jwk.p256]))
        #expect(keys.keys.map(\.id) == ["p256"])
        #expect(keys.leftOut.count == 1)
    }

    @Test(arguments: [
        #"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
        #"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, #"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
        #"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, #"{"kty":"OKP","crv":"Ed25519"}"#, #"{"crv":"P-256"}"#,
        #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, #"{"kty":"RSA","n":"!","e":"AQAB"}"#, "7", "null", "[]",
        #"{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","#
            + #""y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
    ])
    func `a key that is not sound is left out`(odd: String) throws {
        #expect(jwksProblem(#"{"keys":[\#(odd)]}"#)?.contains("no key that can be used") == true)
        #expect(try JWTKeySet(jwks: set([odd, jwk.ed25519])).keys.map(\.id) == ["ed25519"])
    }

    @Test func `an RSA key with the exponent 1 is left out`() throws {
        let key = jwk.rsa.replacing(#""e":"AQAB""#, with: #""e":"AQ""#)
        #expect(key != jwk.rsa)
        #expect(jwksProblem(#"{"keys":[\#(key)]}"#)?.contains("no sound RSA key") == true)
    }

    @Test(arguments: ["", "{}", "[]", #"{"keys":{}}"#, #"{"keys":[]}"#, "<html>", #"{"keys":[],"keys":[]}"#])
    func `what is no set of keys is refused`(text: String) { #expect(jwksProblem(text) != nil) }

    @Test func `a set has a bound`() {
        let many = String(decoding: set(Array(repeating: jwk.ed25519, count: 257)), as: UTF8.self)
        #expect(jwksProblem(many)?.contains("at most 256") == true)
        #expect(jwksProblem(String(repeating: " ", count: 1 << 20) + many)?.contains("large") == true)
    }

    @Test func `a token without a name is tried with sixteen keys at most`() throws {
        let keys = try JWTKeySet(jwks: set(Array(repeating: jwk.ed25519, count: 20)))
        #expect(keys.candidates(id: nil, algorithm: .edDSA).count == 16)
        #expect(keys.candidates(id: nil, algorithm: .es256).isEmpty)
    }
}
