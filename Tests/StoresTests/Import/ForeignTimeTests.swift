// Covers ForeignTime.swift, ForeignText.swift
import Glibc
import Testing

@testable import Stores

@Test(
    arguments: [
        ("2025-11-26T10:30:00", 1_764_153_000), ("2025-11-26 10:30:00.123456", 1_764_153_000),
        ("2025-11-26T10:30:00Z", 1_764_153_000), ("2025-11-26T10:30:00.5+00:00", 1_764_153_000),
        ("2025-11-26T11:30:00+01:00", 1_764_153_000), ("2025-11-26T05:00-0530", 1_764_153_000),
        ("2025-11-26T10:30", 1_764_153_000), ("2025-11-26", 1_764_115_200), ("1970-01-01", 0),
        ("1969-12-31T23:59:59", -1), ("2000-02-29", 951_782_400), ("1764153000", 1_764_153_000),
        ("1764153000123", 1_764_153_000),
    ] as [(String, Int64)])
func `times of other programs are read`(text: String, seconds: Int64) {
    #expect(ForeignTime.seconds(text) == seconds, "\(text)")
}

@Test(arguments: [
    "", "never", "2025-11", "2025-13-01", "2025-02-29", "1900-02-29", "2025-04-31", "2025-11-26T",
    "2025-11-26T25:00", "2025-11-26T10:60", "2025-11-26T10:30:61", "2025-11-26T10:30:00.",
    "2025-11-26T10:30:00 UTC", "2025-11-26T10:30:00+25:00", "2025-11-26T10:30:00+01:00x", "26.11.2025",
    "2025-11-26\u{0}",
])
func `what is no time is none`(text: String) {
    #expect(ForeignTime.seconds(text) == nil, "\(text)")
}

@Test func `every day of four centuries is the one that the C library says`() {
    for day in stride(from: Int64(-70_000), through: 80_000, by: 1) {
        var seconds = time_t(day * 86_400)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let text = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
        guard ForeignTime.seconds(text) == day * 86_400 else {
            Issue.record("\(text)")
            return
        }
    }
}

@Test func `numbers are seconds, milliseconds or microseconds by their size`() {
    #expect(ForeignTime.seconds(1_764_153_000) == 1_764_153_000)
    #expect(ForeignTime.seconds(1_764_153_000_999) == 1_764_153_000)
    #expect(ForeignTime.seconds(1_764_153_000_999_999) == 1_764_153_000)
    #expect(ForeignTime.seconds(.min) < 0)
}

@Test func `only what means yes is yes`() {
    for word in ["1", "1.0", "true", "True", "t", "YES"] { #expect(ForeignText.flag(word), "\(word)") }
    for word in ["0", "0.0", "false", "", "no", "null", "-1"] { #expect(!ForeignText.flag(word), "\(word)") }
}
