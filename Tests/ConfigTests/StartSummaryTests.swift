import Testing

@testable import Config

/// S4-16: what a start says of its file.
@Suite struct StartSummaryTests {
    @Test func `who may come in, how much and where to stand in it`() throws {
        let config = try config(
            """
            version: 1
            listeners: { a: 127.0.0.1:1 }
            auth: { open: { mode: none }, spare: { mode: none }, shared: { mode: env-key, variables: A } }
            limits:
              per-ip: { by: ip, requests_per_minute: 60, burst: 5 }
              money: { by: [key, model], usd_per_day: 2.5, default_reserve: 1k }
            models: { "*": { max_output: 1k, price: { input: 1, output: 1 } } }
            upstreams: { up: { endpoints: [http://u.example:81/v1, https://v.example] } }
            routes: [{ path: /**, auth: [shared, open], limits: [per-ip, money], to: up }]
            """)
        #expect(
            StartSummary(config).lines == [
                "auth       open (none), shared (env-key)",
                "limits     per-ip (60 requests_per_minute, 5 burst by ip), money (2.5 usd_per_day by key, model)",
                "upstreams  up (http://u.example:81, https://v.example)",
            ])
    }

    @Test func `what is not there is not told, and of very many only some`() throws {
        #expect(StartSummary(try config("version: 1\n")).lines == [])
        let many = (0..<100).map { "u\($0): http://h\($0).example" }.joined(separator: ", ")
        let lines = StartSummary(try config("version: 1\nupstreams: { \(many) }\n")).lines
        #expect(lines.count == 1 && lines[0].hasSuffix("u7 (http://h7.example), and 92 more"))
    }
}
