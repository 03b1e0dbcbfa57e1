// Covers HealthAnswerConfig.swift
import Testing

@testable import Config

@Suite struct HealthAnswerConfigTests {
    @Test func `the word for what is not well cannot stand for what is`() throws {
        let text =
            ActionConfigTests.head + "- { path: /a, auth: open, action: { name: health, ok: unhealthy } }\n"
        let messages = read(text).diagnostics.filter { $0.severity == .error }.map(\.message)
        #expect(messages == ["`ok` is the word for what is not well in routes[0].action"])
    }
}
