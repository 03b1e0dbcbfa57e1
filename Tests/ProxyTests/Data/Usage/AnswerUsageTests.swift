// Covers AnswerUsage.swift, AnswerKey.swift
import Testing

@testable import Proxy

private func key(_ name: String) -> AnswerKey {
    withExactBytes(name) { AnswerKey($0.baseAddress!, count: $0.count) }
}

private func usage(_ input: UInt64, _ output: UInt64, cached: UInt64 = 0) -> AnswerUsage {
    AnswerUsage(inputTokens: input, outputTokens: output, cachedInputTokens: cached)
}

@Suite(.tags(.fast)) struct AnswerUsageTests {
    private static let names: [(String, AnswerKey)] = [
        ("usage", .usage), ("response", .response), ("message", .message), ("x_groq", .xGroq),
        ("model", .model),
        ("choices", .choices), ("delta", .delta), ("output", .output), ("content", .content), ("text", .text),
        ("reasoning", .reasoning), ("reasoning_content", .reasoningContent), ("thinking", .thinking),
        ("arguments", .arguments), ("partial_json", .partialJSON), ("refusal", .refusal),
        ("reasoning_details", .reasoningDetails), ("prompt_tokens", .promptTokens),
        ("input_tokens", .inputTokens),
        ("completion_tokens", .completionTokens), ("output_tokens", .outputTokens),
        ("total_tokens", .totalTokens),
        ("cache_read_input_tokens", .cacheRead), ("cache_creation_input_tokens", .cacheCreation),
        ("prompt_cache_hit_tokens", .cacheHit), ("prompt_tokens_details", .details),
        ("input_tokens_details", .details), ("cached_tokens", .cachedTokens),
    ]

    @Test func `each name is its key, and no other is`() {
        for (name, expected) in Self.names {
            #expect(key(name) == expected)
            #expect(key(name + "x") == .none)
            for index in 0..<name.utf8.count {
                var octets = Array(name.utf8)
                octets[index] ^= 0x20
                #expect(key(String(decoding: octets, as: UTF8.self)) == .none, "\(name) \(index)")
            }
        }
        for name in ["a", "", "completion_tokens_details", String(repeating: "x", count: 300)] {
            #expect(name.isEmpty || key(name) == .none)
        }
    }

    @Test(
        arguments: [
            ([.promptTokens: 10, .completionTokens: 3], 13, usage(10, 3)),
            ([.promptTokens: 10, .completionTokens: 3], 40, usage(10, 30)),
            ([.promptTokens: 10, .completionTokens: 3], 5, usage(10, 3)),
            ([.promptTokens: 10], 10, usage(10, 0)),
            ([.promptTokens: 10], 12, usage(10, 2)), ([:], 12, usage(12, 0)),
            ([.completionTokens: 5], 12, usage(7, 5)),
            ([.completionTokens: 15], 12, usage(0, 15)),
            ([.inputTokens: 4, .outputTokens: 5], 9, usage(4, 5)),
            ([.inputTokens: 4, .outputTokens: 5, .cacheRead: 6], 15, usage(10, 5, cached: 6)),
            ([.promptTokens: 1 << 53, .completionTokens: 1 << 53], 1 << 53, usage(1 << 53, 1 << 53)),
        ] as [([AnswerKey: UInt64], UInt64, AnswerUsage)])
    func `what a total has more was generated`(
        given: [AnswerKey: UInt64], total: UInt64, expected: AnswerUsage
    ) {
        var members = UsageMembers()
        for (key, count) in given { members.set(key, to: count) }
        members.settle(total: total)
        #expect(members.usage == expected)
    }

    @Test func `the largest counts together do not overflow`() {
        var members = UsageMembers()
        for key in [AnswerKey.inputTokens, .outputTokens, .cacheRead, .cacheCreation] {
            members.set(key, to: UsageMembers.countMax)
        }
        members.settle(total: UsageMembers.countMax)
        #expect(members.usage == usage(3 << 53, 1 << 53, cached: 1 << 53))
    }

    @Test func `no more than the input was cached`() {
        var members = UsageMembers()
        members.set(.promptTokens, to: 5)
        members.set(.cachedTokens, to: 9)
        #expect(members.usage == usage(5, 0, cached: 5))
    }
}
