import Testing

@testable import Config

@Suite struct QuantitiesTests {
    @Test(arguments: [
        ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000),
    ])
    func `durations have units`(_ text: String, _ milliseconds: Int) throws {
        #expect(try value(.duration, text).value == .milliseconds(milliseconds))
        #expect(
            try value(.duration, "\"${D}\"", environment: ["D": text]).value == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ("30", "write `30s`"), ("10S", "write `10s`"), ("5 minutes", "write `5m`"), ("5min", "write `5m`"),
        ("0s", "`off` switches a limit off where it is allowed"),
    ])
    func `a duration in other words gets a hint`(_ text: String, _ hint: String) throws {
        #expect(try refusal(of: text, as: .duration).hint == hint)
    }

    @Test(arguments: [
        "-5s", "1.5s", "s", "''", "1h30m", "99999999999999999999s", "18446744073709551615d", "366d", "~",
        "[1s]",
    ])
    func `what is no duration is refused`(_ text: String) throws {
        #expect(try refusal(of: text, as: .duration).message.hasPrefix("`key` must be"))
    }

    @Test(
        arguments: [
            ("512B", 512), ("1KB", 1000), ("64KiB", 65536), ("1MB", 1_000_000), ("10MiB", 10_485_760),
            ("1GiB", 1 << 30),
        ] as [(String, UInt64)])
    func `sizes have units`(_ text: String, _ bytes: UInt64) throws {
        #expect(try value(.size(1...Quantities.sizeMax), text).value == bytes)
    }

    @Test(arguments: [
        ("1000", "write `1000B`"), ("10M", "write `10MiB`"), ("10mib", "write `10MiB`"),
        ("5kb", "write `5KB`"),
    ])
    func `a size in other words gets a hint`(_ text: String, _ hint: String) throws {
        #expect(try refusal(of: text, as: .size(1...Quantities.sizeMax)).hint == hint)
    }

    @Test(arguments: ["0B", "2TiB", "18446744073709551615GiB", "1.5MiB", "-1B", "MiB"])
    func `what is no size within its range is refused`(_ text: String) throws {
        #expect(try refusal(of: text, as: .size(1...Quantities.sizeMax)).message.hasPrefix("`key` must be"))
    }

    @Test func `off is a word where it is allowed, and only there`() throws {
        let off = try value(.orOff(.duration), "off")
        #expect(off.value == .some(nil))
        #expect(off.diagnostics.isEmpty)
        #expect(try refusal(of: "false", as: .orOff(.duration)).hint == "write `off`")
        #expect(try refusal(of: "off", as: .duration).message.contains("found `off`"))
    }

    @Test func `quantities are written in the largest fitting unit`() {
        #expect(Quantities.written(.seconds(90)) == "90s")
        #expect(Quantities.written(.seconds(7200)) == "2h")
        #expect(Quantities.written(.zero) == "0s")
        #expect(Quantities.written(bytes: 65536) == "64KiB")
        #expect(Quantities.written(bytes: 1500) == "1500B")
    }
}
