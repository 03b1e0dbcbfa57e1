import Testing

@testable import CLI

@Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
    (1_800_000_000, "2027-01-15T08:00:00Z"),
    (-1, "1969-12-31T23:59:59Z"), (4_102_444_799, "2099-12-31T23:59:59Z"),
])
func `a time is written and read as UTC`(seconds: Int64, text: String) {
    #expect(UTCTime.text(seconds) == text)
    #expect(UTCTime.seconds(text) == seconds)
}

@Test(arguments: [
    (Int64.max, "9999-12-31T23:59:59Z"), (253_402_300_800, "9999-12-31T23:59:59Z"),
    (67_768_036_191_676_799, "9999-12-31T23:59:59Z"), (.min, "0001-01-01T00:00:00Z"),
])
func `a time beyond the calendar is shown as its last or first moment`(seconds: Int64, text: String) {
    #expect(UTCTime.text(seconds) == text)
}

@Test func `a day is taken as it begins, and the seconds may do without a Z`() {
    let eight: Int64 = 1_800_000_000
    #expect(UTCTime.seconds("2027-01-15") == eight - 8 * 3600)
    #expect(UTCTime.seconds("2027-01-15 08:00:00") == eight)
}

@Test(arguments: [
    "", "2027", "2027-13-01", "2027-02-30", "2026-04-31", "2027-1-5", "tomorrow", "2027-01-15T25:00:00Z",
    "2027-01-15T08:00:00+01:00", "２０２７-01-15",
])
func `what is no time is not taken for one`(text: String) {
    #expect(UTCTime.seconds(text) == nil)
}

@Test(arguments: [("0s", Int64(0)), ("45s", 45), ("90m", 5400), ("12h", 43_200), ("30d", 2_592_000)])
func `a duration has a number and a unit`(text: String, seconds: Int64) {
    #expect(UTCTime.durationSeconds(text) == seconds)
}

@Test(arguments: ["", "d", "30", "-1d", "1.5h", "1w", "99999999999d", "٣d", "+ 1d"])
func `what is no duration is not taken for one`(text: String) {
    #expect(UTCTime.durationSeconds(text) == nil)
}
