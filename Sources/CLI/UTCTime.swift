import Glibc

/// Times as people type and read them, always UTC.
enum UTCTime {
    /// `2026-03-01T12:00:00Z`
    /// - Parameter seconds: since 1970. What is not within the years 1 to 9999 is shown as the first or the
    ///   last moment of them.
    static func text(_ seconds: Int64) -> String {
        var seconds = time_t(min(max(seconds, secondsMin), secondsMax))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return [
            digits(parts.tm_year + 1900, 4), "-", digits(parts.tm_mon + 1, 2), "-", digits(parts.tm_mday, 2),
            "T",
            digits(parts.tm_hour, 2), ":", digits(parts.tm_min, 2), ":", digits(parts.tm_sec, 2), "Z",
        ].joined()
    }

    private static let secondsMin: Int64 = -62_135_596_800
    private static let secondsMax: Int64 = 253_402_300_799

    private static func digits(_ value: Int32, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// `2026-03-01` (as it begins) or `2026-03-01T12:00:00Z`. nil: neither, or a day that does not exist.
    static func seconds(_ text: String) -> Int64? {
        var bytes = Array(text.utf8)
        if bytes.count == 10 { bytes += "T00:00:00Z".utf8 }
        if bytes.count == 19 { bytes.append(UInt8(ascii: "Z")) }
        guard bytes.count == 20 else { return nil }
        if bytes[10] == UInt8(ascii: " ") { bytes[10] = UInt8(ascii: "T") }
        let numbers = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19].map { range in
            Int32(String(decoding: bytes[range], as: UTF8.self)) ?? 0
        }
        var parts = tm()
        parts.tm_year = numbers[0] - 1900
        parts.tm_mon = numbers[1] - 1
        parts.tm_mday = numbers[2]
        parts.tm_hour = numbers[3]
        parts.tm_min = numbers[4]
        parts.tm_sec = numbers[5]
        let seconds = Int64(timegm(&parts))
        // Why compared: this finds what is no digit or stands elsewhere, and `timegm` takes the 31st of April
        // for the 1st of May.
        return self.text(seconds).utf8.elementsEqual(bytes) ? seconds : nil
    }

    /// `30d`, `12h`, `90m`, `45s`. nil: none of these.
    static func durationSeconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), text.dropLast().allSatisfy(\.isASCII),
            let count = Int64(text.dropLast()), (0...1_000_000_000).contains(count)
        else { return nil }
        return count * unit
    }
}
