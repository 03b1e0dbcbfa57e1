import Testing

@testable import Proxy

private func text(_ body: (inout MetricsText) -> Void) -> String {
    var text = MetricsText()
    body(&text)
    return String(decoding: text.bytes, as: UTF8.self)
}

@Suite(.tags(.fast)) struct MetricsTextTests {
    @Test func `a family has its help, its type and its samples`() {
        let written = text {
            $0.family("a_total", .counter, "How \\ many\nof \"them\".")
            $0.sample(7)
            $0.sample(MetricsText.labels(("x", "1"), ("y", "b\"\\\n")), 18_446_744_073_709_551_615)
            $0.family("b_seconds", .gauge, "Time.")
            $0.sample(nanoseconds: 1_500_000_000)
            $0.sample(isTrue: true)
        }
        #expect(
            written == #"""
                # HELP a_total How \\ many\nof "them".
                # TYPE a_total counter
                a_total 7
                a_total{x="1",y="b\"\\\n"} 18446744073709551615
                # HELP b_seconds Time.
                # TYPE b_seconds gauge
                b_seconds 1.5
                b_seconds 1

                """#)
    }

    @Test func `numbers have no digit too many and none too few`() {
        func decimal(_ value: UInt64) -> String {
            var bytes: [UInt8] = []
            bytes.appendDecimal(value)
            return String(decoding: bytes, as: UTF8.self)
        }
        func billionths(_ value: UInt64) -> String {
            var bytes: [UInt8] = []
            bytes.appendBillionths(value)
            return String(decoding: bytes, as: UTF8.self)
        }
        for value in [0, 1, 9, 10, 11, 99, 100, 1000, 12_345, 999_999, UInt64.max] {
            #expect(decimal(value) == "\(value)")
        }
        let table: [(UInt64, String)] = [
            (0, "0"), (1, "0.000000001"), (10, "0.00000001"), (1_000_000, "0.001"), (2_500_000_000, "2.5"),
            (120_000_000_000, "120"), (1_000_000_001, "1.000000001"),
        ]
        for (value, expected) in table { #expect(billionths(value) == expected) }
    }
}
