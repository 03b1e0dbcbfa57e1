import Stores
import Testing

@testable import Config
@testable import Proxy

/// Of the tokens of RFC 7515: `{"iss":"joe","exp":1300819380,"http://example.com/is_root":true}`.
private let payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

private func check(_ keys: JWTKeySet, _ algorithm: String, _ token: String) {
    let verifier = JWTVerifier(
        jwtConfig(algorithms: [algorithm], required: ["http://example.com/is_root"], caller: "iss"),
        keys: keys)
    #expect(refusal(verifier, Array(token.utf8), now: 1_300_819_379) == nil)
    #expect(refusal(verifier, Array(token.utf8), now: 1_300_819_380) == .expired)
}

@Test func `the token of RFC 7515 A.1 is good until it ends`() throws {
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    let secret = Secret(try #require(Base64URL.decode(key.utf8)))
    check(
        try JWTKeySet(secret: secret), "HS256",
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\(payload).dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
}

@Test func `the token of RFC 7515 A.3 is good until it ends`() throws {
    let key =
        #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
        + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
    check(
        try JWTKeySet(jwks: Array(#"{"keys":[\#(key)]}"#.utf8)), "ES256",
        "eyJhbGciOiJFUzI1NiJ9.\(payload)."
            + "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
}

@Test func `the signature of RFC 8037 A.4 is good, and no token`() throws {
    let key = try #require(Base64URL.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".utf8))
    let token =
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        + "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    let jws = try #require(CompactJWS(Array(token.utf8)))
    let publicKey = try PublicKey(ed25519: key)
    #expect(publicKey.verifies(jws.signature, of: jws.signed, by: .edDSA))
    #expect(!publicKey.verifies(jws.signature, of: jws.signed + [0], by: .edDSA))
    #expect(!publicKey.verifies(jws.signature, of: jws.signed, by: .es256))
    let keys = JWTKeySet([.init(id: nil, algorithm: nil, material: .publicKey(publicKey))], isNamed: true)
    #expect(
        refusal(JWTVerifier(jwtConfig(algorithms: ["EdDSA"]), keys: keys), Array(token.utf8)) == .malformed)
}
