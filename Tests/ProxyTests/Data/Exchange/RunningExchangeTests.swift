import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RunningExchangeTests {
    private func append(_ notes: inout Notes, _ text: Notes.Text, _ value: String, _ pool: BlockPool) {
        withExactBytes(value) { notes.append(text, UnsafeRawBufferPointer($0), from: pool) }
    }

    private func read(_ notes: Notes, _ text: Notes.Text) -> String {
        String(decoding: notes[text], as: UTF8.self)
    }

    @Test func `notes give back each text, and nothing for those that were left out`() {
        let pool = BlockPool()
        var notes = Notes()
        append(&notes, .requestID, "id", pool)
        append(&notes, .method, "GET", pool)
        append(&notes, .path, "/x", pool)
        append(&notes, .host, "", pool)
        #expect(read(notes, .origin) == "")
        append(&notes, .origin, "https://a", pool)
        #expect(read(notes, .requestID) == "id")
        #expect(read(notes, .method) == "GET")
        #expect(read(notes, .path) == "/x")
        #expect(read(notes, .host) == "")
        #expect(read(notes, .origin) == "https://a")
        notes.release(to: pool)
        #expect(read(notes, .requestID) == "")
    }

    @Test func `long texts are cut and those behind them are not`() {
        let pool = BlockPool()
        var notes = Notes()
        append(&notes, .requestID, "id", pool)
        append(&notes, .method, String(repeating: "M", count: 5000), pool)
        append(&notes, .path, String(repeating: "p", count: 5000), pool)
        append(&notes, .host, "h", pool)
        #expect(read(notes, .method).utf8.count == Notes.textMax)
        #expect(read(notes, .path) == String(repeating: "p", count: Notes.textMax))
        #expect(read(notes, .host) == "h")
        notes.release(to: pool)
    }

    @Test func `a recycled exchange is like a new one`() {
        let pool = BlockPool()
        let used = RunningExchange()
        _ = used.machine.admitted()
        append(&used.notes, .requestID, "id", pool)
        withExactBytes("held") { used.held.append(UnsafeRawBufferPointer($0), from: pool) }
        withExactBytes("body") { used.body.append(UnsafeRawBufferPointer($0), from: pool) }
        used.caller = .test("k")
        used.auth = .keys([])
        used.rejectStatus = 403
        used.rateRefusal = RateRefusal(
            reason: .full, unit: .requests, period: .minute, max: 1, wait: 1, resetsAt: 1)
        used.ticket = 7
        used.standing = .inside
        used.queueDeadline = 1
        used.isInspected = true
        used.route = .test()
        used.endpoint = 1
        used.isCommitted = true
        used.sawInterim = true
        used.expectsContinue = true
        used.bodyLimit = 1
        used.totalDeadline = 1
        used.record.status = 200
        used.replyCode = "x"
        used.reset(blocks: pool)
        #expect(used.caller == nil && used.auth == nil && used.rejectStatus == 401 && used.rateRefusal == nil)
        #expect(used.standing == .outside && used.queueDeadline == .max)
        #expect(used.ticket == 0 && !used.isInspected && used.body.isEmpty)
        #expect(used.machine == Exchange())
        #expect(used.notes[.requestID].isEmpty && used.held.isEmpty)
        #expect(
            used.route == nil && used.endpoint == 0 && used.bodyLimit == .max && used.totalDeadline == .max)
        #expect(!used.isCommitted && !used.sawInterim && !used.expectsContinue)
        #expect(used.record.status == 0 && used.replyCode.utf8CodeUnitCount == 0)
        #expect(used.requestBody.hasEnded && used.responseBody.hasEnded)
    }
}
