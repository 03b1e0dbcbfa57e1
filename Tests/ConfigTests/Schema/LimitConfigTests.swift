import Testing

@testable import Config

@Suite struct LimitConfigTests {
    @Test func `a limit has a subject and a number`() throws {
        let limits = try config(
            """
            version: 1
            limits:
              per-ip: { by: ip, requests_per_minute: 1 }
              per-key: { by: key, requests_per_minute: 10000 }
            """
        ).limits
        #expect(
            limits == [
                LimitConfig(name: "per-ip", by: .ip, requestsPerMinute: 1),
                LimitConfig(name: "per-key", by: .key, requestsPerMinute: 10_000),
            ])
    }

    @Test(arguments: [
        "{ by: ip }", "{ requests_per_minute: 5 }", "{ by: user, requests_per_minute: 5 }",
        "{ by: ip, requests_per_minute: 0 }", "{ by: ip, requests_per_minute: 10001 }", "5",
    ])
    func `anything else is refused`(_ text: String) {
        #expect(read("version: 1\nlimits: { a: \(text) }\n").config == nil)
    }
}
