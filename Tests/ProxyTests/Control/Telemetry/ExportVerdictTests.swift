import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct ExportVerdictTests {
    @Test(arguments: [200, 202, 204] as [UInt16]) func `what is taken is done with`(status: UInt16) {
        #expect(ExportVerdict(status: status, retryAfter: nil, attempt: 1) == .taken)
    }

    @Test(arguments: [301, 400, 401, 404, 413, 500] as [UInt16]) func `what is refused is not sent again`(
        status: UInt16
    ) {
        #expect(
            ExportVerdict(status: status, retryAfter: 1, attempt: 1) == .refused("it answers \(status)"))
    }

    @Test(arguments: [429, 502, 503, 504] as [UInt16]) func `what may be taken later waits as it is told`(
        status: UInt16
    ) {
        for (told, attempt, wanted) in [
            (5 * second, 1, 5 * second), (nil, 1, second), (nil, 3, 4 * second), (nil, 50, 30 * second),
            (3600 * second, 1, 30 * second), (0, 1, 0),
        ] as [(UInt64?, Int, UInt64)] {
            #expect(
                ExportVerdict(status: status, retryAfter: told, attempt: attempt)
                    == .later(after: wanted, "it answers \(status)"))
        }
        #expect(ExportVerdict(failure: "gone", attempt: 2) == .later(after: 2 * second, "gone"))
    }
}
