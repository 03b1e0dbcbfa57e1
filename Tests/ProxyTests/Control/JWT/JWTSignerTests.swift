// Covers JWTSigner.swift, SHA2.swift, Base64URL.swift
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

private func signer(_ algorithm: JWTSigner.Algorithm, issuer: String? = nil, audience: String? = nil)
    -> JWTSigner
{
    JWTSigner(
        algorithm: algorithm, secret: TokenForge().secret, issuer: issuer, audience: audience,
        lifetimeSeconds: 3600)
}

private func part(_ index: Int, of token: String) throws -> [UInt8] {
    try #require(Base64URL.decode(token.split(separator: ".")[index].utf8))
}

@Test(arguments: [JWTSigner.Algorithm.hs256, .hs384, .hs512])
func `what was signed verifies until it ends`(algorithm: JWTSigner.Algorithm) throws {
    let token = signer(algorithm, issuer: "https://gate.example", audience: "gate")
        .sign(subject: "user \"7\"", now: 1000)
    let config = jwtConfig(
        algorithms: [algorithm.rawValue], issuer: "https://gate.example", audiences: ["gate"])
    let verifier = JWTVerifier(config, keys: try JWTKeySet(secret: TokenForge().secret))
    #expect(try verifier.verify(Array(token.utf8), now: 4599).subject == "user \"7\"")
    #expect(refusal(verifier, Array(token.utf8), now: 4600) == .expired)
}

@Test func `the header is the one that everybody knows`() {
    let token = signer(.hs256).sign(subject: "alice", now: 1000)
    #expect(token.hasPrefix("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."))
}

@Test func `claims are what was asked for`() throws {
    let bare = try JSONValue.parse(part(1, of: signer(.hs256).sign(subject: "alice", now: 1000)))
    #expect(bare["sub"] == .string("alice"))
    #expect(bare["iat"] == .integer(1000))
    #expect(bare["exp"] == .integer(4600))
    #expect(bare["jti"]?.text?.utf8.count == 22)
    #expect(bare.members?.count == 4)
    let full = signer(.hs256, issuer: "i", audience: "a").sign(subject: "alice", now: 1000)
    let claims = try JSONValue.parse(part(1, of: full))
    #expect(claims["iss"] == .string("i"))
    #expect(claims["aud"] == .string("a"))
}

@Test func `two tokens of one second differ`() {
    let one = signer(.hs256)
    #expect(one.sign(subject: "alice", now: 1000) != one.sign(subject: "alice", now: 1000))
}

@Test func `the codes of RFC 4231 come out`() {
    // §4.3, test case 2.
    let (key, text) = (Secret("Jefe"), Array("what do ya want for nothing?".utf8))
    func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
    #expect(
        hex(SHA2.sha256.authenticationCode(text, key: key))
            == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
        hex(SHA2.sha384.authenticationCode(text, key: key))
            == "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
            + "8e2240ca5e69e2c78b3239ecfab21649"
    )
    #expect(
        hex(SHA2.sha512.authenticationCode(text, key: key)).hasPrefix(
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"))
}

@Test func `base64url goes there and back`() {
    for count in 0...40 {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 73 + count) }
        #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    }
    #expect(Base64URL.encode([0xFB, 0xFF, 0xFE]) == Array("-__-".utf8))
}

@Test(arguments: ["A", "AAAAA", "AA==", "AB", "AAB", "+/", "A A", "AA\n", "é"])
func `base64url has one text for the same bytes`(text: String) {
    #expect(Base64URL.decode(text.utf8) == nil)
}
