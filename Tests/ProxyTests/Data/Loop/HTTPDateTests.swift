import Glibc
import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct HTTPDateTests {
    private func text(_ seconds: UInt64) -> String {
        var date = HTTPDate()
        date.refresh(realtime: seconds * 1_000_000_000 + 999_999_999)
        return String(decoding: date.text, as: UTF8.self)
    }

    @Test(
        arguments: [
            (1, "Thu, 01 Jan 1970 00:00:01 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        ] as [(UInt64, String)])
    func `known dates`(seconds: UInt64, expected: String) {
        #expect(text(seconds) == expected)
    }

    @Test func `every month of four centuries agrees with the C library`() {
        var seconds: time_t = 86_399
        var date = HTTPDate()
        while seconds < 13_000_000_000 {
            var parts = tm()
            gmtime_r(&seconds, &parts)
            let (year, month, day) = HTTPDate.civil(fromDays: seconds / 86_400)
            #expect(
                year == Int(parts.tm_year) + 1900 && month == Int(parts.tm_mon) + 1
                    && day == Int(parts.tm_mday))
            date.refresh(realtime: UInt64(seconds) * 1_000_000_000)
            let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
            #expect(date.text.starts(with: names[Int(parts.tm_wday)].utf8))
            // Nine days and a bit: every month, and every hour in turn.
            seconds += 781_231
        }
    }

    @Test func `within a second nothing is made anew`() {
        var date = HTTPDate()
        date.refresh(realtime: 784_111_777_000_000_000)
        let first = date.text
        date.refresh(realtime: 784_111_777_999_999_999)
        #expect(date.text == first)
        date.refresh(realtime: 784_111_778_000_000_000)
        #expect(String(decoding: date.text, as: UTF8.self) == "Sun, 06 Nov 1994 08:49:38 GMT")
    }
}
