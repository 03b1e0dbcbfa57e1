import Testing

@testable import Proxy

/// Every event of the machine, with every answer that matters to it.
private enum Event: Hashable, CaseIterable {
    case admitted, answeredLocally
    case bodyWanted, bodyCollected, asked, answered
    case queued, placeFreed, queueTimedOut
    case connected(replayable: Bool)
    case connectFailed(anotherLeft: Bool)
    case requestEnded, headArrived
    case responseEnded(upstream: Bool, client: Bool)
    case upstreamLost(nothingAnswered: Bool)
    case clientLeft(sawLastEvent: Bool)
    case requestRefused, clientStalled, upstreamTimedOut, callerRevoked, cut

    static let allCases: [Event] =
        [.admitted, .answeredLocally, .requestEnded, .headArrived, .requestRefused, .clientStalled]
        + [.upstreamTimedOut, .callerRevoked, .cut, .bodyWanted, .bodyCollected, .asked, .answered]
        + [.queued, .placeFreed, .queueTimedOut]
        + [false, true].flatMap { (flag: Bool) -> [Event] in
            [
                .connected(replayable: flag), .connectFailed(anotherLeft: flag),
                .upstreamLost(nothingAnswered: flag),
                .clientLeft(sawLastEvent: flag), .responseEnded(upstream: flag, client: false),
                .responseEnded(upstream: flag, client: true),
            ]
        }

    /// - Returns: nil for events that ask for nothing.
    func feed(_ exchange: inout Exchange) -> Exchange.Action? {
        switch self {
        case .admitted: return exchange.admitted()
        case .answeredLocally:
            exchange.answeredLocally()
            return nil
        case .bodyWanted:
            exchange.bodyWanted()
            return nil
        case .bodyCollected:
            exchange.bodyCollected()
            return nil
        case .asked:
            exchange.asked()
            return nil
        case .answered:
            exchange.answered()
            return nil
        case .queued:
            exchange.queued()
            return nil
        case .placeFreed: return exchange.placeFreed()
        case .queueTimedOut: return exchange.queueTimedOut()
        case .connected(let replayable): return exchange.connected(replayable: replayable)
        case .connectFailed(let another):
            return exchange.connectFailed(anotherLeft: another, reply: .upstreamUnreachable)
        case .requestEnded: return exchange.requestEnded()
        case .headArrived: return exchange.headArrived()
        case .responseEnded(let upstream, let client):
            return exchange.responseEnded(upstreamReusable: upstream, clientReusable: client)
        case .upstreamLost(let nothing):
            return exchange.upstreamLost(nothingAnswered: nothing, reply: .upstreamClosed)
        case .clientLeft(let saw): return exchange.clientLeft(sawLastEvent: saw)
        case .requestRefused: return exchange.requestRefused(.bodyTooLarge)
        case .clientStalled: return exchange.clientStalled()
        case .upstreamTimedOut: return exchange.upstreamTimedOut()
        case .callerRevoked: return exchange.callerRevoked()
        case .cut: return exchange.cut()
        }
    }
}

/// One state, how to get there, what each event does there, and the events that cannot come there and trap.
private struct Row {
    var state: Exchange.State
    var path: [Event]
    var moves: [(Event, Exchange.Action?, Exchange.State)]
    var impossible: [Event]
}

@Suite(.tags(.fast)) struct ExchangeTests {
    private static func waiting(
        _ attempt: UInt8, _ request: Exchange.RequestSide, _ replayable: Bool
    ) -> Exchange.State { .waiting(attempt: attempt, request: request, replayable: replayable) }

    private static let notBeforeAdmission: [Event] =
        [
            .requestEnded, .headArrived, .requestRefused, .clientStalled, .upstreamTimedOut, .callerRevoked,
            .bodyCollected, .answered, .placeFreed, .queueTimedOut,
        ]
        + connections + ends + losses
    private static let connections: [Event] = [
        .connected(replayable: false), .connected(replayable: true), .connectFailed(anotherLeft: false),
        .connectFailed(anotherLeft: true),
    ]
    private static let ends: [Event] = [
        .responseEnded(upstream: false, client: false), .responseEnded(upstream: false, client: true),
        .responseEnded(upstream: true, client: false), .responseEnded(upstream: true, client: true),
    ]
    private static let losses: [Event] = [
        .upstreamLost(nothingAnswered: false), .upstreamLost(nothingAnswered: true),
    ]
    private static let decisions: [Event] =
        [.admitted, .answeredLocally, .bodyWanted, .bodyCollected, .asked, .answered]
        + [.queued, .placeFreed, .queueTimedOut]

    /// Leaving and running out, wherever nothing has been answered.
    private static let unansweredEnds: [(Event, Exchange.Action?, Exchange.State)] = [
        (.clientLeft(sawLastEvent: false), .abort(.clientLeft), .finished),
        (.clientLeft(sawLastEvent: true), .abort(.clientLeft), .finished),
        (.requestRefused, .reply(.bodyTooLarge), .finished),
        (.clientStalled, .abort(.clientStalled), .finished),
        (.upstreamTimedOut, .reply(.upstreamTimeout), .finished),
        (.callerRevoked, .reply(.credentialInactive), .finished),
        (.cut, .reply(.draining), .finished),
    ]

    /// An excursion from `admitting`: its ends, and what else may come.
    private static func excursion(
        _ state: Exchange.State, by event: Event, more: [(Event, Exchange.Action?, Exchange.State)]
    ) -> Row {
        let moves: [(Event, Exchange.Action?, Exchange.State)] =
            [
                (.clientLeft(sawLastEvent: false), .abort(.clientLeft), .finished),
                (.clientLeft(sawLastEvent: true), .abort(.clientLeft), .finished),
                (.clientStalled, .abort(.clientStalled), .finished),
                (.callerRevoked, .reply(.credentialInactive), .finished),
                (.cut, .reply(.draining), .finished),
            ] + more
        let possible = Set(moves.map(\.0))
        return Row(
            state: state, path: [event], moves: moves,
            impossible: Event.allCases.filter { !possible.contains($0) })
    }

    private static func connecting(_ attempt: UInt8, path: [Event]) -> Row {
        Row(
            state: .connecting(attempt: attempt), path: path,
            moves: [
                (.connected(replayable: false), .sendRequest, waiting(attempt, .sending, false)),
                (.connected(replayable: true), .sendRequest, waiting(attempt, .sending, true)),
                (.connectFailed(anotherLeft: false), .reply(.upstreamUnreachable), .finished),
                attempt < 3
                    ? (
                        .connectFailed(anotherLeft: true), .connect(freshOnly: false),
                        .connecting(attempt: attempt + 1)
                    )
                    : (.connectFailed(anotherLeft: true), .reply(.upstreamUnreachable), .finished),
            ] + unansweredEnds,
            impossible: decisions + [.requestEnded, .headArrived] + ends + losses)
    }

    private static func waiting(
        _ attempt: UInt8, _ request: Exchange.RequestSide, _ replayable: Bool, path: [Event]
    ) -> Row {
        let isRepeated = replayable && attempt < 3
        return Row(
            state: waiting(attempt, request, replayable),
            path: path + [.connected(replayable: replayable)] + (request == .sent ? [.requestEnded] : []),
            moves: [
                (.requestEnded, .wait, waiting(attempt, .sent, replayable)),
                (.headArrived, .relayHead, .relaying(request: request)),
                (.upstreamLost(nothingAnswered: false), .reply(.upstreamClosed), .finished),
                isRepeated
                    ? (
                        .upstreamLost(nothingAnswered: true), .connect(freshOnly: true),
                        .connecting(attempt: attempt + 1)
                    )
                    : (.upstreamLost(nothingAnswered: true), .reply(.upstreamClosed), .finished),
            ] + unansweredEnds,
            impossible: decisions + connections + ends)
    }

    private static let table: [Row] = {
        let toSecond: [Event] = [.admitted, .connectFailed(anotherLeft: true)]
        let toThird = toSecond + [.connectFailed(anotherLeft: true)]
        let toSending: [Event] = [.admitted, .connected(replayable: true), .headArrived]
        let toSent: [Event] = [.admitted, .connected(replayable: true), .requestEnded, .headArrived]
        var rows = [
            Row(
                state: .admitting, path: [],
                moves: [
                    (.admitted, .connect(freshOnly: false), .connecting(attempt: 1)),
                    (.answeredLocally, nil, .finished),
                    (.bodyWanted, nil, .collecting),
                    (.asked, nil, .asking),
                    (.queued, nil, .queued),
                    (.clientLeft(sawLastEvent: false), .abort(.clientLeft), .finished),
                    (.clientLeft(sawLastEvent: true), .abort(.clientLeft), .finished),
                    (.cut, .reply(.draining), .finished),
                ], impossible: notBeforeAdmission),
            excursion(
                .collecting, by: .bodyWanted,
                more: [
                    (.bodyCollected, nil, .admitting), (.requestRefused, .reply(.bodyTooLarge), .finished),
                ]),
            excursion(.asking, by: .asked, more: [(.answered, nil, .admitting)]),
            excursion(
                .queued, by: .queued,
                more: [
                    (.placeFreed, .connect(freshOnly: false), .connecting(attempt: 1)),
                    (.queueTimedOut, .reply(.upstreamQueueTimeout), .finished),
                    (.upstreamTimedOut, .reply(.upstreamTimeout), .finished),
                ]),
            connecting(1, path: [.admitted]), connecting(2, path: toSecond), connecting(3, path: toThird),
            relaying(.sending, path: toSending), relaying(.sent, path: toSent),
            Row(
                state: .draining, path: toSent + [.clientLeft(sawLastEvent: true)],
                moves: [
                    (
                        .responseEnded(upstream: false, client: false), .releaseUpstream(reuse: false),
                        .finished
                    ),
                    (
                        .responseEnded(upstream: false, client: true), .releaseUpstream(reuse: false),
                        .finished
                    ),
                    (.responseEnded(upstream: true, client: false), .releaseUpstream(reuse: true), .finished),
                    (.responseEnded(upstream: true, client: true), .releaseUpstream(reuse: true), .finished),
                    (.upstreamLost(nothingAnswered: false), .releaseUpstream(reuse: false), .finished),
                    (.upstreamLost(nothingAnswered: true), .releaseUpstream(reuse: false), .finished),
                    (.clientLeft(sawLastEvent: false), .wait, .draining),
                    (.clientLeft(sawLastEvent: true), .wait, .draining),
                    (.callerRevoked, .wait, .draining),
                    (.upstreamTimedOut, .releaseUpstream(reuse: false), .finished),
                    (.cut, .releaseUpstream(reuse: false), .finished),
                ],
                impossible: decisions + connections + [
                    .requestEnded, .headArrived, .requestRefused, .clientStalled,
                ]),
            Row(state: .finished, path: [.answeredLocally], moves: [], impossible: Event.allCases),
        ]
        for (attempt, path) in [(1, [.admitted]), (2, toSecond), (3, toThird)] as [(UInt8, [Event])] {
            for request in [Exchange.RequestSide.sending, .sent] {
                for replayable in [false, true] {
                    rows.append(waiting(attempt, request, replayable, path: path))
                }
            }
        }
        return rows
    }()

    private static func relaying(_ request: Exchange.RequestSide, path: [Event]) -> Row {
        let isWhole = request == .sent
        return Row(
            state: .relaying(request: request), path: path,
            moves: [
                (.requestEnded, .wait, .relaying(request: .sent)),
                (
                    .responseEnded(upstream: false, client: false),
                    .finish(reuseUpstream: false, reuseClient: false), .finished
                ),
                (
                    .responseEnded(upstream: false, client: true),
                    .finish(reuseUpstream: false, reuseClient: isWhole), .finished
                ),
                (
                    .responseEnded(upstream: true, client: false),
                    .finish(reuseUpstream: isWhole, reuseClient: false), .finished
                ),
                (
                    .responseEnded(upstream: true, client: true),
                    .finish(reuseUpstream: isWhole, reuseClient: isWhole),
                    .finished
                ),
                (.upstreamLost(nothingAnswered: false), .abort(.upstreamLost), .finished),
                (.upstreamLost(nothingAnswered: true), .abort(.upstreamLost), .finished),
                (.clientLeft(sawLastEvent: false), .abort(.clientLeft), .finished),
                isWhole
                    ? (.clientLeft(sawLastEvent: true), .drainUpstream, .draining)
                    : (.clientLeft(sawLastEvent: true), .abort(.clientLeft), .finished),
                (.requestRefused, .abort(.clientBroken), .finished),
                (.clientStalled, .abort(.clientStalled), .finished),
                (.upstreamTimedOut, .abort(.upstreamLost), .finished),
                (.callerRevoked, .abort(.cut), .finished), (.cut, .abort(.cut), .finished),
            ], impossible: decisions + connections + [.headArrived])
    }

    private func reach(_ path: [Event]) -> Exchange {
        var exchange = Exchange()
        for event in path { _ = event.feed(&exchange) }
        return exchange
    }

    @Test func `the table says of every event in every state what it does, or that it cannot come`() {
        for row in ExchangeTests.table {
            let named = row.moves.map(\.0) + row.impossible
            #expect(named.count == Event.allCases.count, "in \(row.state)")
            #expect(Set(named) == Set(Event.allCases), "in \(row.state)")
            #expect(reach(row.path).state == row.state)
        }
        #expect(ExchangeTests.table.count == 23)
    }

    @Test func `every possible event gives its action and leads to its state`() {
        for row in ExchangeTests.table {
            for (event, action, state) in row.moves {
                var exchange = reach(row.path)
                #expect(event.feed(&exchange) == action, "\(event) in \(row.state)")
                #expect(exchange.state == state, "\(event) in \(row.state)")
            }
        }
    }

    // Each trap costs a process, so a few stand for all that the table calls impossible.
    @Test func `an event that cannot come traps`() async {
        await #expect(processExitsWith: .failure) {
            var exchange = Exchange()
            _ = exchange.headArrived()
        }
        await #expect(processExitsWith: .failure) {
            var exchange = Exchange()
            exchange.answeredLocally()
            _ = exchange.clientLeft(sawLastEvent: false)
        }
    }

    @Test(arguments: UInt64(1)...40)
    func `whatever happens, an exchange keeps its promises`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let possible = Dictionary(
            ExchangeTests.table.map { ("\($0.state)", $0.moves.map(\.0)) },
            uniquingKeysWith: { first, _ in first })
        for _ in 0..<50 {
            var exchange = Exchange()
            var walk = Promises()
            while exchange.state != .finished, walk.steps < 1000 {
                guard let event = possible["\(exchange.state)"]?.randomElement(using: &random) else {
                    Issue.record("no row for \(exchange.state)")
                    return
                }
                let before = exchange.state
                walk.note(before, event, event.feed(&exchange))
            }
            #expect(walk.connects <= Int(Exchange.attemptsMax))
            #expect(walk.broken == [], "seed \(seed)")
            if exchange.state == .finished { #expect(walk.endings == 1, "seed \(seed)") }
        }
    }

    private struct Promises {
        var steps = 0
        var connects = 0
        var endings = 0
        var hasHead = false
        var broken: [String] = []

        mutating func note(_ before: Exchange.State, _ event: Event, _ action: Exchange.Action?) {
            steps += 1
            switch action {
            case .none: if event == .answeredLocally { endings += 1 }
            case .wait, .sendRequest: break
            case .connect(let freshOnly):
                connects += 1
                if hasHead { broken.append("connect after the head") }
                if freshOnly != (event == .upstreamLost(nothingAnswered: true)) {
                    broken.append("wrong kind of lease")
                }
                if event == .upstreamLost(nothingAnswered: false) {
                    broken.append("repeated after answered bytes")
                }
            case .relayHead:
                if hasHead { broken.append("two heads") }
                hasHead = true
            case .reply:
                endings += 1
                if hasHead { broken.append("a reply after the head") }
            case .finish, .abort, .releaseUpstream: endings += 1
            case .drainUpstream:
                if before != .relaying(request: .sent) { broken.append("drained \(before)") }
            }
            if endings > 1 { broken.append("ended twice") }
        }
    }
}
