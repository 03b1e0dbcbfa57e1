import Testing

@testable import Proxy

@Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
    (951_868_799, "2000-02-29T23:59:59.000Z"), (951_868_800, "2000-03-01T00:00:00.000Z"),
    (1_709_164_800, "2024-02-29T00:00:00.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
    (1_767_225_599, "2025-12-31T23:59:59.000Z"),
])
func `seconds become a date`(seconds: UInt64, expected: String) {
    #expect(Timestamp.text(seconds * 1_000_000_000) == expected)
}

@Test func `milliseconds are kept, what is finer is cut`() {
    #expect(Timestamp.text(1_250_999_999) == "1970-01-01T00:00:01.250Z")
}

@Test func `days follow each other through four centuries`() {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    var (year, month, day) = (1970, 1, 1)
    for number in 0..<146_097 {
        let date = HTTPDate.civil(fromDays: number)
        guard date == (year, month, day) else {
            Issue.record("day \(number) is \(date), not \((year, month, day))")
            return
        }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        day += 1
        guard day > lengths[month - 1] + (month == 2 && isLeap ? 1 : 0) else { continue }
        (month, day) = (month % 12 + 1, 1)
        if month == 1 { year += 1 }
    }
    #expect((year, month, day) == (2370, 1, 1))
}
