import Testing

@testable import Config

@Suite struct AuthConfigTests {
    @Test func `mode none has two switches, both off`() throws {
        let auth = try config(
            "version: 1\nauth: { a: { mode: none }, b: { mode: none, allow_open: true, ignore_credentials: true } }\n"
        ).auth
        #expect(
            auth == [
                AuthConfig(name: "a", mode: .none(allowOpen: false, ignoreCredentials: false)),
                AuthConfig(name: "b", mode: .none(allowOpen: true, ignoreCredentials: true)),
            ])
    }

    @Test func `a mode must be there and be known`() {
        #expect(
            firstError("version: 1\nauth: { a: {} }\n")?.message == "`mode` is missing in auth.a")
        #expect(
            read("version: 1\nauth: { a: { mode: nome } }\n").diagnostics.contains {
                $0.hint == "did you mean `none`?"
            })
    }
}
