import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct FieldCursorTests {
    private func text(_ body: (inout FieldCursor) -> Void) -> String {
        written { writer in
            guard let start = writer.room(for: 256) else { return }
            var cursor = FieldCursor(start)
            body(&cursor)
            writer.fill(to: cursor.at)
        }
    }

    @Test func `numbers of any length are written`() {
        var numbers: [UInt64] = [0, .max]
        var power: UInt64 = 1
        for _ in 0..<19 {
            numbers += [power - 1, power, power + 1, power * 9]
            power *= 10
        }
        var random = SeededGenerator(seed: 41)
        for _ in 0..<20_000 { numbers.append(random.next() >> (random.next() % 64)) }
        for number in numbers { #expect(text { $0.put(decimal: number) } == "\(number)") }
    }

    @Test func `every number of four digits is divided right`() {
        for number in 0..<10_000 as Range<UInt64> {
            let eight = number * 10_000 + 9_999 - number
            #expect(text { $0.put(decimal: eight) } == "\(eight)")
        }
    }

    @Test func `durations are written as OpenAI writes them, rounded up`() {
        let table: [(nanoseconds: UInt64, String)] = [
            (0, "0s"), (1, "1ms"), (millisecond, "1ms"), (120 * millisecond, "120ms"),
            (120 * millisecond + 1, "121ms"), (999 * millisecond, "999ms"), (999 * millisecond + 1, "1s"),
            (second, "1s"), (1500 * millisecond, "1.5s"), (8640 * millisecond, "8.64s"),
            (1005 * millisecond, "1.005s"), (1010 * millisecond, "1.01s"), (59 * second, "59s"),
            (59_999 * millisecond, "59.999s"), (60 * second - 1, "1m0s"), (60 * second, "1m0s"),
            (60 * second + 1, "1m1s"), (86_400 * millisecond, "1m27s"), (360 * second, "6m0s"),
            (3599 * second, "59m59s"), (3600 * second - 1, "1h0m0s"), (3600 * second, "1h0m0s"),
            (5025 * second, "1h23m45s"), (86_400 * second, "24h0m0s"), (31 * 86_400 * second, "744h0m0s"),
            (.max, "5124095h34m34s"),
        ]
        for (nanoseconds, duration) in table {
            #expect(text { $0.put(duration: nanoseconds) } == duration)
        }
    }

    @Test func `pieces of any length are copied, with their number or another`() {
        for length in 0..<70 {
            let name = String(repeating: "n", count: length)
            let plan = RateLimitFieldsPlan(
                limitName: PlanText(name), keyName: PlanText("requests_per_minute"), unit: .requests,
                period: .minute, max: 7, isShadow: false)
            let pieces = plan.pieces
            let (policy, base) = (pieces.pointee.nextPolicy, pieces.pointee.base)
            #expect(text { $0.put(policy, of: base, number: nil) } == ", \"\(name)\";q=7;w=60")
            #expect(
                text { $0.put(policy, of: base, number: 123_456_789) } == ", \"\(name)\";q=123456789;w=60")
            #expect(text { $0.put(pieces.pointee.nextService, of: base) } == ", \"\(name)\";r=")
            withExtendedLifetime(plan) {}
        }
    }
}
