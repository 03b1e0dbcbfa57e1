import CLinux

/// The value of `Date` (RFC 9110 §5.6.7), made once a second.
struct HTTPDate {
    private var second: UInt64 = 0
    private(set) var text = [UInt8](repeating: 0x20, count: 29)

    /// - Parameter realtime: nanoseconds since 1970.
    mutating func refresh(realtime: UInt64) {
        let now = realtime / 1_000_000_000
        guard now != second else { return }
        second = now
        let days = Int(now / 86_400)
        let (year, month, day) = HTTPDate.civil(fromDays: days)
        put(3 * ((days + 4) % 7), of: "SunMonTueWedThuFriSat", at: 0)
        text[3] = 0x2C
        put(number: day, at: 5, digits: 2)
        put(3 * (month - 1), of: "JanFebMarAprMayJunJulAugSepOctNovDec", at: 8)
        put(number: year, at: 12, digits: 4)
        put(number: Int(now / 3600 % 24), at: 17, digits: 2)
        text[19] = 0x3A
        put(number: Int(now / 60 % 60), at: 20, digits: 2)
        text[22] = 0x3A
        put(number: Int(now % 60), at: 23, digits: 2)
        put(0, of: "GMT", at: 26)
    }

    private mutating func put(_ start: Int, of names: StaticString, at position: Int) {
        for index in 0..<3 { text[position + index] = names.utf8Start[start + index] }
    }

    private mutating func put(number: Int, at position: Int, digits: Int) {
        var rest = number
        for index in stride(from: position + digits - 1, through: position, by: -1) {
            text[index] = UInt8(rest % 10) + 0x30
            rest /= 10
        }
    }

    /// Proleptic Gregorian date of a day number counted from 1970-01-01: years begin in March, so that the
    /// leap day comes last and months follow one linear rule.
    static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        // Eras of 400 years, which all have 146,097 days.
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
