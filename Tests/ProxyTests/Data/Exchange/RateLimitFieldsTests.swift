import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RateLimitFieldsTests {
    /// 2026-03-01T11:59:00.500Z
    private let realtime: UInt64 = 1_772_366_340_500_000_000

    private func fields(
        _ sample: ReservationSample, _ styles: RateLimitFieldStyles, refused: Int = -1
    ) -> [String] {
        let text = written {
            RateLimitFields.write(&$0, sample.reservation, styles, realtime: realtime, refused: refused)
        }
        #expect(text.isEmpty || text.hasSuffix("\r\n"))
        return text.split(separator: "\r\n").map { String($0) }
    }

    private func usual() -> ReservationSample {
        let sample = ReservationSample()
        sample.add(
            .sample(.requests, .minute, max: 60), used: 10, nextIn: 29_200 * millisecond,
            emptyIn: 59_999 * millisecond + 1)
        sample.add(
            .sample(.tokens, .minute, max: 100_000), used: 1_234, amount: 600, nextIn: 3 * second,
            emptyIn: 360 * second)
        return sample
    }

    @Test func `openai shows requests and tokens`() {
        #expect(
            fields(usual(), .openai) == [
                "x-ratelimit-limit-requests: 60", "x-ratelimit-remaining-requests: 50",
                "x-ratelimit-reset-requests: 1m0s", "x-ratelimit-limit-tokens: 100000",
                "x-ratelimit-remaining-tokens: 98766", "x-ratelimit-reset-tokens: 6m0s",
            ])
    }

    @Test func `ietf has one policy and one service limit for each measure`() {
        let sample = usual()
        sample.add(.sample(.concurrent, .none, max: 8), used: 3)
        sample.add(.sample(.money, .day, max: 5_000_000_000), used: 1)
        #expect(
            fields(sample, .ietf) == [
                "RateLimit-Policy: \"per-key\";q=60;w=60, "
                    + "\"per-key/tokens\";q=100000;w=60;headgate-unit=\"tokens\", "
                    + "\"per-key/concurrent\";q=8;qu=\"concurrent-requests\"",
                "RateLimit: \"per-key\";r=50;t=30, \"per-key/tokens\";r=98766;t=3, \"per-key/concurrent\";r=5",
            ])
    }

    @Test func `ietf tells no time beyond the window that it states`() {
        let table: [(LimitMeasure.Period, nextIn: UInt64, told: String)] = [
            (.day, 86_735 * second, "86400"), (.day, 86_400 * second, "86400"),
            (.day, 86_399 * second, "86399"), (.minute, 61 * second, "60"), (.hour, 3601 * second, "3600"),
            (.second, 1001 * millisecond, "1"), (.month, 2_000_000 * second, "2000000"),
        ]
        for (period, nextIn, told) in table {
            let sample = ReservationSample()
            sample.add(.sample(.tokens, period, max: 100), used: 100, nextIn: nextIn, emptyIn: nextIn)
            #expect(fields(sample, .ietf)[1].hasSuffix(";r=0;t=\(told)"))
        }
    }

    @Test func `the older three say when one more request passes`() {
        let table: [(RateLimitFieldStyles, reset: String)] = [
            (.iso, "2026-03-01T11:59:30Z"), (.epoch, "1772366370"), (.delta, "30"),
            ([.iso, .epoch, .delta], "2026-03-01T11:59:30Z"), ([.epoch, .delta], "1772366370"),
        ]
        for (styles, reset) in table {
            #expect(
                fields(usual(), styles) == [
                    "X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 50", "X-RateLimit-Reset: \(reset)",
                ])
        }
    }

    @Test func `families stand beside each other`() {
        let all = fields(usual(), [.openai, .ietf, .delta])
        #expect(all == fields(usual(), .openai) + fields(usual(), .ietf) + fields(usual(), .delta))
        #expect(all.count == 11)
    }

    @Test func `of several the one with the least left in proportion is shown, of equals the slower`() {
        let slow = (max: 100 as UInt64, used: 50 as UInt64, emptyIn: 50 * second)
        let table: [((max: UInt64, used: UInt64, emptyIn: UInt64), shown: Int)] = [
            ((10, 4, 9 * second), 0), ((10, 6, 9 * second), 1), ((10, 5, 9 * second), 0),
            ((10, 5, 51 * second), 1), ((.max, .max / 2 + 2, second), 1), ((.max, .max / 2, second), 0),
            ((1, 2, second), 1),
        ]
        for (other, shown) in table {
            for isSwapped in [false, true] {
                let sample = ReservationSample()
                let both = isSwapped ? [other, slow] : [slow, other]
                for (index, each) in both.enumerated() {
                    sample.add(
                        .sample(.requests, index == 0 ? .minute : .hour, max: each.max), used: each.used,
                        nextIn: second, emptyIn: each.emptyIn)
                }
                let expected = shown == 0 ? slow.max : other.max
                #expect(fields(sample, .openai)[0] == "x-ratelimit-limit-requests: \(expected)", "\(other)")
                #expect(fields(sample, .delta)[0] == "X-RateLimit-Limit: \(expected)", "\(other)")
            }
        }
    }

    @Test func `what refused is shown, however much it has left`() {
        for refused in 0..<3 {
            let sample = ReservationSample()
            for (period, used) in [(LimitMeasure.Period.minute, 99), (.hour, 10), (.day, 50)] {
                sample.add(
                    .sample(.tokens, period, max: UInt64(100 + sample.reservation.count)), used: UInt64(used),
                    nextIn: second, emptyIn: second)
            }
            #expect(
                fields(sample, .openai, refused: refused)[0] == "x-ratelimit-limit-tokens: \(100 + refused)")
        }
    }

    @Test func `a caller's own number stands in place of the limit's`() {
        let sample = ReservationSample()
        sample.add(
            .sample(.requests, .minute, max: 60), used: 10, nextIn: second, emptyIn: second, max: 1_000)
        sample.add(.sample(.tokens, .day, max: 9), used: 0, nextIn: second, emptyIn: second, max: .max)
        let all = fields(sample, [.openai, .ietf])
        #expect(all[0] == "x-ratelimit-limit-requests: 1000")
        #expect(all[1] == "x-ratelimit-remaining-requests: 990")
        #expect(all[3] == "x-ratelimit-limit-tokens: 18446744073709551615")
        #expect(
            all[6] == "RateLimit-Policy: \"per-key\";q=1000;w=60, \"per-key/tokens-per-day\";"
                + "q=999999999999999;w=86400;headgate-unit=\"tokens\"")
        #expect(
            all[7] == "RateLimit: \"per-key\";r=990;t=1, \"per-key/tokens-per-day\";r=999999999999999;t=1")
    }

    @Test func `a debt leaves nothing`() {
        let sample = ReservationSample()
        sample.add(.sample(.tokens, .minute, max: 100), used: 250, nextIn: 1, emptyIn: 60 * second)
        #expect(
            fields(sample, .openai) == [
                "x-ratelimit-limit-tokens: 100", "x-ratelimit-remaining-tokens: 0",
                "x-ratelimit-reset-tokens: 1m0s",
            ])
        #expect(fields(sample, .ietf)[1] == "RateLimit: \"per-key/tokens\";r=0;t=1")
        #expect(fields(sample, .iso).isEmpty)
    }

    @Test func `nothing is said where there is nothing to show`() {
        let sample = ReservationSample()
        #expect(fields(sample, [.openai, .ietf, .iso]).isEmpty)
        sample.add(.sample(.requests, .minute, max: 60, isShadow: true), used: 1, nextIn: 1, emptyIn: 1)
        sample.add(.sample(.money, .month, max: 60), used: 1, nextIn: 1, emptyIn: 1)
        #expect(fields(sample, [.openai, .ietf, .iso]).isEmpty)
        sample.add(.sample(.concurrent, .none, max: 2), used: 1)
        #expect(fields(sample, [.openai, .iso]).isEmpty)
        #expect(fields(sample, .ietf).count == 2)
        #expect(fields(usual(), []).isEmpty)
    }

    @Test func `as many measures as an exchange may have fit, with the longest numbers`() {
        let sample = ReservationSample()
        for index in 0..<Reservation.entriesMax {
            sample.add(
                .sample(index % 2 == 0 ? .tokens : .requests, .minute, max: 1, name: "limit-\(index)"),
                used: 0, nextIn: .max, emptyIn: .max, max: .max)
        }
        let lines = fields(sample, [.openai, .ietf])
        #expect(lines.count == 8)
        #expect(lines[7].split(separator: ",").count == Reservation.entriesMax)
    }

    @Test func `what does not fit is left out whole`() {
        let sample = usual()
        for capacity in 0..<600 {
            withExactBytes([UInt8](repeating: 0, count: capacity + 1)) { buffer in
                var writer = ByteWriter(buffer)
                RateLimitFields.write(&writer, sample.reservation, [.openai, .ietf], realtime: realtime)
                #expect(writer.overflowed == (writer.count == 0), "\(capacity)")
            }
        }
    }

    @Test func `fields of the upstream that ours replace`() {
        let table: [(String, RateLimitFieldStyles, isOwned: Bool)] = [
            ("x-ratelimit-limit-requests", .openai, true),
            ("X-RateLimit-Remaining-Project-Tokens", .openai, true), ("X-RateLimit-Reset", .iso, true),
            ("X-RateLimit-Limit", .epoch, true), ("X-RateLimit-Limit", .delta, true),
            ("x-ratelimit-limit-requests", .ietf, false), ("X-RateLimit-Limit", .ietf, false),
            ("RateLimit", .ietf, true), ("ratelimit-policy", .ietf, true), ("RateLimit-Reset", .ietf, true),
            ("RateLimit", [.openai, .iso], false), ("RateLimi", .ietf, false), ("RateLimits", .ietf, false),
            ("X-RateLimits-Limit", .openai, false), ("X-Rate", .openai, false), ("X-Other", .openai, false),
            ("x-ratelimit-limit-requests", [], false), ("RateLimit", [], false),
        ]
        for (name, styles, isOwned) in table {
            withExactBytes(name) { bytes in
                let line = FieldLine(
                    name: ByteRange(start: 0, count: UInt32(bytes.count)), value: .empty, known: .other,
                    isHopByHop: false)
                #expect(
                    RateLimitFields.owns(line, UnsafeRawBufferPointer(bytes), styles) == isOwned, "\(name)")
            }
        }
    }
}
