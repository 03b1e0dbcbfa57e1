/// Times as other programs write them.
enum ForeignTime {
    /// Seconds since 1970 of `2025-11-26T10:30:00.123456+00:00`, also with a blank for the `T`, as a day
    /// alone, without seconds, fraction or zone (then UTC, which is what servers write), or of a number as
    /// `seconds(_ number:)` reads it. nil: none of these.
    static func seconds(_ text: String) -> Int64? {
        var reader = Reader(rest: Array(text.utf8)[...])
        if let number = Int64(text) { return seconds(number) }
        guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), (1...12).contains(month),
            (1...dayCount(year, month)).contains(day)
        else { return nil }
        let midnight = daysSince1970(year, month, day) * 86_400
        if reader.rest.isEmpty { return midnight }
        guard reader.skip("T") || reader.skip(" ") || reader.skip("t"), let hour = reader.digits(2),
            reader.skip(":"), let minute = reader.digits(2), hour < 24, minute < 60
        else { return nil }
        var second: Int64 = 0
        if reader.skip(":") {
            // Why 60: a leap second.
            guard let found = reader.digits(2), found <= 60 else { return nil }
            second = found
            if reader.skip(".") || reader.skip(",") { guard reader.skipDigits() else { return nil } }
        }
        guard let offset = reader.offsetSeconds() else { return nil }
        return midnight + hour * 3600 + minute * 60 + second - offset
    }

    /// Seconds since 1970, or milliseconds or microseconds where seconds would be beyond the year 5000.
    static func seconds(_ number: Int64) -> Int64 {
        if number.magnitude >= 100_000_000_000_000 { return number / 1_000_000 }
        return number.magnitude >= 100_000_000_000 ? number / 1000 : number
    }

    /// Of the proleptic Gregorian calendar, counted in eras of 400 years that begin with March.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func dayCount(_ year: Int64, _ month: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ mark: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: mark) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func digits(_ count: Int) -> Int64? {
            let digits = rest.prefix(count)
            guard digits.count == count, digits.allSatisfy(Reader.isDigit) else { return nil }
            rest = rest.dropFirst(count)
            return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        }

        mutating func skipDigits() -> Bool {
            let count = rest.prefix(while: Reader.isDigit).count
            rest = rest.dropFirst(count)
            return count > 0
        }

        /// nil: what is left is no zone.
        mutating func offsetSeconds() -> Int64? {
            if rest.isEmpty || rest.elementsEqual("Z".utf8) || rest.elementsEqual("z".utf8) { return 0 }
            let isWest = skip("-")
            guard isWest || skip("+"), let hours = digits(2), hours < 24 else { return nil }
            var minutes: Int64 = 0
            if !rest.isEmpty {
                _ = skip(":")
                guard let found = digits(2), found < 60, rest.isEmpty else { return nil }
                minutes = found
            }
            let seconds = hours * 3600 + minutes * 60
            return isWest ? -seconds : seconds
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }
}
