import Testing

@testable import Config

@Suite struct TelemetryConfigTests {
    private func telemetry(_ text: String) throws -> TelemetryConfig? {
        try config("version: 1\ntelemetry: \(text)\n").telemetry
    }

    @Test func `a URL is enough, and off is nothing`() throws {
        #expect(try config("version: 1\n").telemetry == nil)
        #expect(try telemetry("off") == nil)
        let short = try #require(try telemetry("http://collector:4318"))
        #expect(short.url == "http://collector:4318/v1/traces")
        #expect(short.samplePercent == 100 && short.service == "headgate" && short.headers == [])
    }

    @Test func `a path of one's own is kept, and all else is read`() throws {
        let whole = try #require(
            try telemetry(
                "{ otlp: https://api.example/otlp/v1/traces/, sample: 5%, service: edge, headers: { x-team: a } }"
            ))
        #expect(whole.url == "https://api.example/otlp/v1/traces")
        #expect(whole.samplePercent == 5 && whole.service == "edge")
        #expect(whole.headers == [.init(name: "x-team", value: .literal("a"))])
    }
}
