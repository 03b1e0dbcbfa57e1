/// A calendar month, UTC.
struct CalendarMonth: Equatable, Sendable {
    /// Months since January 1970.
    let number: UInt64
    /// Nanoseconds since 1970 of its first moment, and of the first after it.
    let begins: UInt64
    let ends: UInt64

    /// - Parameter realtime: nanoseconds since 1970; any value has a month, the last is July 2554.
    init(at realtime: UInt64) {
        var daysLeft = realtime / CalendarMonth.dayNanoseconds
        var days: UInt64 = 0
        var year: UInt64 = 1970
        while daysLeft >= CalendarMonth.days(inYear: year) {
            daysLeft -= CalendarMonth.days(inYear: year)
            days += CalendarMonth.days(inYear: year)
            year += 1
        }
        var month = 0
        while daysLeft >= CalendarMonth.days(inMonth: month, year: year) {
            daysLeft -= CalendarMonth.days(inMonth: month, year: year)
            days += CalendarMonth.days(inMonth: month, year: year)
            month += 1
        }
        number = (year - 1970) * 12 + UInt64(month)
        begins = days * CalendarMonth.dayNanoseconds
        let length = CalendarMonth.days(inMonth: month, year: year) * CalendarMonth.dayNanoseconds
        let (end, isPastAll) = begins.addingReportingOverflow(length)
        ends = isPastAll ? .max : end
    }

    private static let dayNanoseconds: UInt64 = 86_400_000_000_000

    private static func isLeap(_ year: UInt64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func days(inYear year: UInt64) -> UInt64 { isLeap(year) ? 366 : 365 }

    /// - Parameter month: 0 is January.
    private static func days(inMonth month: Int, year: UInt64) -> UInt64 {
        switch month {
        case 1: isLeap(year) ? 29 : 28
        case 3, 5, 8, 10: 30
        default: 31
        }
    }
}
