import Testing

@testable import Config

@Suite struct AdminConfigTests {
    private let token = "token: '0123456789abcdef'"

    @Test func `the admin endpoint answers over TCP only where it is asked to`() throws {
        #expect(try config("version: 1\n").admin == nil)
        let admin = try config("version: 1\nadmin: { bind: '127.0.0.1:9091', \(token) }\n").admin
        let wanted = AdminConfig(
            bind: .ip(host: "127.0.0.1", port: 9091), token: .literal("0123456789abcdef"), metrics: .token)
        #expect(admin == wanted)
        let open = try config(
            "version: 1\nadmin: { bind: '[::1]:0', token: { env: ADMIN }, metrics: open }\n",
            environment: ["ADMIN": "x"]
        ).admin
        #expect(open?.metrics == .everybody)
        #expect(open?.token == .environment("ADMIN"))
    }

    @Test(arguments: [
        "bind: '127.0.0.1:1'", "token: '0123456789abcdef'", "bind: '127.0.0.1:1', token: short",
        "bind: '127.0.0.1:1', token: '0123456789abcdef', metrics: everybody",
        "bind: nowhere, token: '0123456789abcdef'", "bind: '127.0.0.1:1', token: { env: UNSET }",
    ])
    func `what cannot be is refused`(_ line: String) {
        #expect(read("version: 1\nadmin: { \(line) }\n").config == nil)
    }

    @Test func `an address is a listener's or the admin endpoint's`() {
        func paths(_ listener: String, _ admin: String) -> [String] {
            let text =
                "version: 1\nlisteners: { a: '\(listener)' }\nadmin: { bind: '\(admin)', \(token) }\n"
            return read(text).diagnostics.filter { $0.severity == .error }.map(\.keyPath)
        }
        #expect(paths("127.0.0.1:1", "127.0.0.1:1") == ["admin.bind"])
        #expect(paths("0.0.0.0:1", "127.0.0.1:1") == ["admin.bind"])
        #expect(paths("127.0.0.1:1", "127.0.0.1:2") == [])
    }
}
