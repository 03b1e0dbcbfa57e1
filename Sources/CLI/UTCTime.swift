import Glibc

/// Times as people type and read them, always UTC.
enum UTCTime {
    /// `2026-03-01T12:00:00Z`
    /// - Parameter seconds: since 1970.
    static func text(_ seconds: Int64) -> String {
        var seconds = time_t(seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return [
            digits(parts.tm_year + 1900, 4), "-", digits(parts.tm_mon + 1, 2), "-", digits(parts.tm_mday, 2),
            "T",
            digits(parts.tm_hour, 2), ":", digits(parts.tm_min, 2), ":", digits(parts.tm_sec, 2), "Z",
        ].joined()
    }

    private static func digits(_ value: Int32, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// `2026-03-01` (as it begins) or `2026-03-01T12:00:00Z`. nil: neither, or a day that does not exist.
    static func seconds(_ text: String) -> Int64? {
        let full = text.count == 10 ? text + "T00:00:00Z" : text
        let match = full.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)Z?/)
        guard let found = match?.output else { return nil }
        var parts = tm()
        parts.tm_year = (Int32(found.1) ?? 0) - 1900
        parts.tm_mon = (Int32(found.2) ?? 0) - 1
        parts.tm_mday = Int32(found.3) ?? 0
        parts.tm_hour = Int32(found.4) ?? 0
        parts.tm_min = Int32(found.5) ?? 0
        parts.tm_sec = Int32(found.6) ?? 0
        let seconds = Int64(timegm(&parts))
        // Why compared: `timegm` takes the 31st of April for the 1st of May.
        let written = full.replacing(" ", with: "T")
        return self.text(seconds) == (written.hasSuffix("Z") ? written : written + "Z") ? seconds : nil
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
