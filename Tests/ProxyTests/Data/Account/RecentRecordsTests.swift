import Testing

@testable import Proxy

private func keep(_ number: Int, id: String, path: String = "", in recent: RecentRecords) {
    var record = ExchangeRecord()
    record.startedAt = UInt64(number)
    let texts = RecordText.allCases.map { text in
        switch text {
        case .requestID: Array(id.utf8)
        case .path: Array(path.utf8)
        case .errorCode: Array("code".utf8)
        case .method, .host, .listener, .route, .endpoint, .auth, .caller, .model, .upstream, .key, .limit,
            .limitNumber, .earlierPlaces:
            [UInt8]()
        }
    }
    let all = Array(texts.joined())
    all.withUnsafeBytes { bytes in
        var at = 0
        let pointers = texts.map { text in
            defer { at += text.count }
            return UnsafeRawBufferPointer(rebasing: bytes[at..<at + text.count])
        }
        let ring = RecordRing()
        #expect(ring.append(record, texts: RecordTexts(items: InlineArray { pointers[$0] })))
        ring.drainLying { recent.keep($0) }
    }
}

private func numbers(_ id: String, in recent: RecentRecords, max: Int = 16) -> [UInt64] {
    recent.find(requestID: Array(id.utf8), max: max).map(\.record.startedAt)
}

@Suite(.tags(.fast)) struct RecentRecordsTests {
    @Test func `what was kept is found by its id, the newest first`() {
        let recent = RecentRecords(capacity: 128 << 10)
        #expect(recent.reach == .init())
        for number in 1...5 {
            keep(number, id: number.isMultiple(of: 2) ? "even" : "odd", path: "/\(number)", in: recent)
        }
        #expect(numbers("odd", in: recent) == [5, 3, 1])
        #expect(numbers("odd", in: recent, max: 2) == [5, 3])
        #expect(numbers("even", in: recent) == [4, 2])
        for id in ["", "od", "odd ", "code"] { #expect(numbers(id, in: recent) == []) }
        #expect(recent.reach == .init(count: 5, since: 1))
        let newest = recent.find(requestID: Array("odd".utf8), max: 1)[0]
        #expect(newest.texts.count == RecordText.allCases.count)
        #expect(newest[.path] == Array("/5".utf8) && newest[.errorCode] == Array("code".utf8))
        #expect(newest[.earlierPlaces] == [])
    }

    @Test func `the oldest make room for the newest, over many turns of the ring`() {
        let recent = RecentRecords(capacity: 128 << 10)
        var random = SeededGenerator(seed: 11)
        for number in 1...5000 {
            let path = String(repeating: "p", count: Int.random(in: 0...RecordRing.textMax, using: &random))
            keep(number, id: "id-\(number)", path: path, in: recent)
            #expect(numbers("id-\(number)", in: recent) == [UInt64(number)])
            let reach = recent.reach
            // All from the oldest on are there, and none before it.
            #expect(reach.count == number - Int(reach.since) + 1)
            #expect(numbers("id-\(reach.since)", in: recent) == [reach.since])
            #expect(numbers("id-\(reach.since - 1)", in: recent) == [])
        }
        #expect(recent.reach.count > 80 && recent.reach.count < 400)
    }
}
