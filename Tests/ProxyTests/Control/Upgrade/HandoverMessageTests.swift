// Covers HandoverCoder.swift, HandoverMessage.swift, HandoverMessage+Coding.swift, HandoverChannel.swift.
import Glibc
import Testing

@testable import Proxy

private let entry = LedgerCallEntry(
    measureID: 7, unit: .money, period: .month, isShadow: true, growsInAnyCase: false, isBooked: true,
    subject: LimitSubject(high: 1, low: .max), max: 1 << 60, reserved: 3, actual: 4, admittedAt: 5, used: 6,
    nextIn: 7, emptyIn: 8)

private let messages: [HandoverMessage] = [
    .hello(
        .init(
            processID: 12, version: "1.2.3", generation: 9, olderProcesses: 2,
            measures: [
                .init(identity: "a/requests_per_day/by=ip", id: 1, wasServed: true),
                .init(identity: "", id: .max, wasServed: false),
            ])),
    .sockets([.init(purpose: .listener, name: "headgate-a"), .init(purpose: .admin, name: "")]),
    .buckets([
        BucketImage(
            subject: LimitSubject(high: 2, low: 3), measureID: 4, kind: .log, period: .minute, reserved: 0,
            times: [1, 2, .max]),
        BucketImage(
            subject: .everybody, measureID: 5, kind: .slots, period: .day, reserved: 6,
            slots: [.init(index: 1, amount: 2), .init(index: 3, amount: 4)]),
        BucketImage(subject: .everybody, measureID: 5, kind: .concurrent, period: .none, reserved: 8),
    ]),
    .bucketsEnd, .left,
    .connection(
        .init(
            listener: "[::1]:80", peerHigh: 1, peerLow: 2, peerPort: 65535, isUnix: false,
            received: Array("GET / HT".utf8))),
    .ledger(
        LedgerCall(
            number: 1, kind: .grow, time: LimitTime(monotonic: 2, realtime: 3), entries: [entry, entry],
            charge: LimitCharge(inputTokens: 1, outputTokens: 2, nanoUSD: 3), force: true)),
    .figures(.init(exchangesRunning: 5, connectionsOpen: 6, olderProcesses: 7)),
    .prepared, .serving, .failed("headgate.yaml:1:1: error: …"),
    .ledgerAnswer(
        LedgerResult(number: 4, refusal: .init(entry: 1, reason: .full(wait: 9)), entries: [entry, entry])),
    .ledgerAnswer(LedgerResult(number: 4, refusal: .init(entry: 0, reason: .tooLarge), entries: [entry])),
    .ledgerAnswer(LedgerResult(number: 5, refusal: nil, usedUp: 0, entries: [entry])),
    .stop(withinMilliseconds: 10_000),
]

@Test(arguments: messages) func `a message is read as it was written`(message: HandoverMessage) throws {
    #expect(try HandoverMessage(message.bytes) == message)
    #expect(message.bytes.count <= HandoverMessage.sizeMax)
}

@Test(arguments: messages) func `a message that is cut anywhere, or longer, is no message`(
    message: HandoverMessage
) {
    for count in 0..<message.bytes.count {
        #expect(throws: HandoverError.self) { try HandoverMessage(Array(message.bytes[..<count])) }
    }
    if case .hello = message { return }
    #expect(throws: HandoverError.self) { try HandoverMessage(message.bytes + [0]) }
}

@Test func `bytes that mean nothing never trap`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
        var bytes = messages[Int.random(in: 0..<messages.count, using: &random)].bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        _ = try? HandoverMessage(bytes)
    }
}

@Test func `another form of the hand-over is told apart, whatever else it says`() {
    var bytes = messages[0].bytes
    bytes[1] = 200
    #expect { try HandoverMessage(bytes + [1, 2, 3]) } throws: { error in
        (error as? HandoverError)?.message.contains("restart it instead") == true
    }
}

@Test func `descriptors go along, and an end is told`() throws {
    let (own, other) = try HandoverChannel.pair()
    let theirs = HandoverChannel(descriptor: other)
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    #expect(own.send(.sockets([.init(purpose: .admin, name: "x")]), descriptors: [ends[1]]))
    #expect(own.send(.prepared))
    let received = try theirs.receive(within: 1000)
    #expect(received.message == .sockets([.init(purpose: .admin, name: "x")]))
    let copy = try #require(received.descriptors.first)
    #expect(write(copy, "a", 1) == 1)
    close(copy)
    var byte: UInt8 = 0
    #expect(read(ends[0], &byte, 1) == 1 && byte == UInt8(ascii: "a"))
    #expect(try theirs.receive(within: 1000).message == .prepared)
    #expect(throws: HandoverChannel.Failure.timedOut) { try theirs.receive(within: 1) }
    own.shutDown()
    #expect(throws: HandoverChannel.Failure.ended) { try theirs.receive(within: 1000) }
    #expect(!theirs.send(.prepared))
}
