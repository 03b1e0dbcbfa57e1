import Testing

@testable import Config

@Suite struct AmountsTests {
    @Test(
        arguments: [
            ("1", 1), ("250", 250), ("1k", 1000), ("100k", 100_000), ("2M", 2_000_000), ("3G", 3_000_000_000),
        ] as [(String, UInt64)])
    func `counts are plain or have a decimal unit`(_ text: String, _ count: UInt64) throws {
        #expect(try value(.count(1...10_000_000_000), text).value == count)
        #expect(try value(.count(1...10_000_000_000), "\"${N}\"", environment: ["N": text]).value == count)
    }

    @Test(arguments: [
        ("10K", "write `10k`"), ("2m", "write `2M`"), ("2 M", "write `2M`"), ("1b", "write `1G`"),
        ("1.5M", "write a whole number, with a smaller unit"), ("'5'", "remove the quotes"),
        ("off", "leave it out"),
    ])
    func `a count in other words gets a hint`(_ text: String, _ hint: String) throws {
        #expect(try refusal(of: text, as: .count(1...1000)).hint == hint)
    }

    @Test(arguments: [
        "0", "1001", "2k", "-1", "k", "1e3", "99999999999999999999", "18446744073709551615k", "~", "[1]",
    ])
    func `what is no count within its range is refused`(_ text: String) throws {
        #expect(try refusal(of: text, as: .count(1...1000)).message.hasPrefix("`key` must be"))
    }

    @Test(
        arguments: [
            ("5", 5_000_000_000), ("0.50", 500_000_000), ("0.025", 25_000_000), ("0.000000001", 1),
            ("10.5", 10_500_000_000), ("0", 0), ("0.0", 0),
        ] as [(String, UInt64)])
    func `dollars are exact to a billionth`(_ text: String, _ nanos: UInt64) throws {
        #expect(try value(.dollars(0...100_000_000_000), text).value == nanos)
        #expect(Amounts.nanoUSD(text) == nanos)
    }

    @Test(arguments: [
        ("$5", "write `5`"), ("5$", "write `5`"), (".5", "write `0.5`"), ("$.5", "write `0.5`"),
        ("'5'", "remove the quotes"),
    ])
    func `dollars in other words get a hint`(_ text: String, _ hint: String) throws {
        #expect(try refusal(of: text, as: .dollars(0...100_000_000_000)).hint == hint)
    }

    @Test(arguments: ["-1", "5.", "1e3", "1.2.3", "0.0000000001", "100.1", "18446744074", "five", "~", "{}"])
    func `what is no amount within its range is refused`(_ text: String) throws {
        #expect(try refusal(of: text, as: .dollars(0...100_000_000_000)).message.hasPrefix("`key` must be"))
    }

    @Test func `a budget that is off is left out, and a price is not`() throws {
        #expect(try refusal(of: "off", as: .dollars(1...5_000_000_000)).hint == "leave it out")
        #expect(try refusal(of: "off", as: .dollars(0...5_000_000_000)).hint == nil)
    }

    @Test(arguments: ["99999999999999999999", "99999999999999999999k", "18446744073709551615k"])
    func `a number with too many digits is told the bound`(_ text: String) throws {
        #expect(try refusal(of: text, as: .count(1...1000)).message.hasPrefix("`key` must be from 1 to 1k"))
    }

    @Test func `what no 64 bits hold gets no hint`() throws {
        #expect(try refusal(of: "99999999999999999999m", as: .count(1...1000)).hint == nil)
    }

    @Test func `nothing is not more than nothing`() throws {
        let message = try refusal(of: "0", as: .dollars(1...5_000_000_000)).message
        #expect(message.hasPrefix("`key` must be more than 0 and at most 5,"))
    }

    @Test func `what is more than 64 bits hold is no amount`() {
        #expect(Amounts.nanoUSD("18446744073.709551615") == .max)
        #expect(Amounts.nanoUSD("18446744073.709551616") == nil)
        #expect(Amounts.nanoUSD("18446744074") == nil)
        #expect(Amounts.nanoUSD("99999999999999999999") == nil)
    }

    @Test func `amounts are written as the file writes them`() {
        #expect(Amounts.written(count: 1_000_000_000) == "1G")
        #expect(Amounts.written(count: 1_500_000) == "1500k")
        #expect(Amounts.written(count: 7) == "7" && Amounts.written(count: 0) == "0")
        #expect(Amounts.written(nanoUSD: 5_000_000_000) == "5")
        #expect(Amounts.written(nanoUSD: 25_000_000) == "0.025")
        #expect(Amounts.written(nanoUSD: 1) == "0.000000001")
    }

    @Test(arguments: [
        (UInt64(0), 0, "0"), (0, 2, "0.00"), (1_500_000_000, 0, "1.5"), (1_500_000_000, 4, "1.5000"),
        (12_345_000_000, 2, "12.345"), (999_999_999, 12, "0.999999999"), (1, 12, "0.000000001"),
        (100_000_000, 1, "0.1"), (5_000_000_000, 12, "5.000000000"), (.max, 0, "18446744073.709551615"),
    ])
    func `dollars are exact, with as many zeros as are asked for`(nanoUSD: UInt64, min: Int, text: String) {
        #expect(Amounts.written(nanoUSD: nanoUSD, decimalsMin: min) == text)
    }
}
