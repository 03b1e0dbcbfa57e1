import Testing

@testable import Proxy

/// Every event of the machine, with every answer that matters to it.
private enum Event: Hashable, CaseIterable {
    case admitted, answeredLocally
    case bodyWanted, bodyCollected, asked, answered
    case queued, placeFreed, queueTimedOut
    case keyWanted, keyFound
    case keyMissing(again: Bool)
    case connected
    case connectFailed(again: Bool)
    case requestEnded, headArrived
    case turnedAway(again: Bool)
    case responseEnded(upstream: Bool, client: Bool)
    case upstreamLost(again: Bool, freshOnly: Bool)
    case upstreamTimedOut(again: Bool)
    case clientLeft(sawLastEvent: Bool)
    case requestRefused, clientStalled, callerRevoked, cut

    static let allCases: [Event] =
        [.admitted, .answeredLocally, .requestEnded, .headArrived, .requestRefused, .clientStalled]
        + [.callerRevoked, .cut, .bodyWanted, .bodyCollected, .asked, .answered]
        + [.queued, .placeFreed, .queueTimedOut, .keyWanted, .keyFound, .connected]
        + [false, true].flatMap { (flag: Bool) -> [Event] in
            [
                .keyMissing(again: flag), .connectFailed(again: flag), .turnedAway(again: flag),
                .upstreamLost(again: flag, freshOnly: false), .upstreamLost(again: flag, freshOnly: true),
                .upstreamTimedOut(again: flag),
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
        case .keyWanted:
            exchange.keyWanted()
            return nil
        case .keyFound: return exchange.keyFound()
        case .keyMissing(let again):
            return exchange.keyMissing(again: again, reply: .upstreamKeyMissing)
        case .connected: return exchange.connected()
        case .connectFailed(let again):
            return exchange.connectFailed(again: again, reply: .upstreamUnreachable)
        case .turnedAway(let again):
            return exchange.turnedAway(again: again, reply: .upstreamCredentialsExhausted)
        case .requestEnded: return exchange.requestEnded()
        case .headArrived: return exchange.headArrived()
        case .responseEnded(let upstream, let client):
            return exchange.responseEnded(upstreamReusable: upstream, clientReusable: client)
        case .upstreamLost(let again, let freshOnly):
            return exchange.upstreamLost(again: again, freshOnly: freshOnly, reply: .upstreamClosed)
        case .clientLeft(let saw): return exchange.clientLeft(sawLastEvent: saw)
        case .requestRefused: return exchange.requestRefused(.bodyTooLarge)
        case .clientStalled: return exchange.clientStalled()
        case .upstreamTimedOut(let again): return exchange.upstreamTimedOut(again: again)
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
    private static let last = Exchange.attemptsMax

    private static let notBeforeAdmission: [Event] =
        [
            .requestEnded, .headArrived, .requestRefused, .clientStalled, .callerRevoked,
            .bodyCollected, .answered, .placeFreed, .queueTimedOut,
        ]
        + connections + keys + turns + ends + losses + timeouts
    private static let connections: [Event] = [
        .keyWanted, .connected, .connectFailed(again: false), .connectFailed(again: true),
    ]
    private static let keys: [Event] = [.keyFound, .keyMissing(again: false), .keyMissing(again: true)]
    private static let turns: [Event] = [.turnedAway(again: false), .turnedAway(again: true)]
    private static let timeouts: [Event] = [
        .upstreamTimedOut(again: false), .upstreamTimedOut(again: true),
    ]
    private static let ends: [Event] = [
        .responseEnded(upstream: false, client: false), .responseEnded(upstream: false, client: true),
        .responseEnded(upstream: true, client: false), .responseEnded(upstream: true, client: true),
    ]
    private static let losses: [Event] = [
        .upstreamLost(again: false, freshOnly: false), .upstreamLost(again: false, freshOnly: true),
        .upstreamLost(again: true, freshOnly: false), .upstreamLost(again: true, freshOnly: true),
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

    /// `total` runs out before anything was sent.
    private static let overdue: [(Event, Exchange.Action?, Exchange.State)] = timeouts.map {
        ($0, .reply(.upstreamTimeout), .finished)
    }

    /// What an event does that asks for another attempt.
    private static func next(
        _ attempt: UInt8, _ event: Event, freshOnly: Bool = false, else reply: LocalReply
    ) -> (Event, Exchange.Action?, Exchange.State) {
        attempt < last
            ? (event, .connect(freshOnly: freshOnly), .connecting(attempt: attempt + 1))
            : (event, .reply(reply), .finished)
    }

    private static func connecting(_ attempt: UInt8, path: [Event]) -> Row {
        Row(
            state: .connecting(attempt: attempt), path: path,
            moves: [
                (.keyWanted, nil, .keying(attempt: attempt)),
                (.connected, .sendRequest, .waiting(attempt: attempt, request: .sending)),
                (.connectFailed(again: false), .reply(.upstreamUnreachable), .finished),
                next(attempt, .connectFailed(again: true), else: .upstreamUnreachable),
            ] + unansweredEnds + overdue,
            impossible: decisions + keys + turns + [.requestEnded, .headArrived] + ends + losses)
    }

    private static func keying(_ attempt: UInt8, path: [Event]) -> Row {
        Row(
            state: .keying(attempt: attempt), path: path + [.keyWanted],
            moves: [
                (.keyFound, .connect(freshOnly: false), .connecting(attempt: attempt)),
                (.keyMissing(again: false), .reply(.upstreamKeyMissing), .finished),
                next(attempt, .keyMissing(again: true), else: .upstreamKeyMissing),
            ] + unansweredEnds + overdue,
            impossible: decisions + connections + turns + [.requestEnded, .headArrived] + ends + losses)
    }

    private static func waiting(_ attempt: UInt8, _ request: Exchange.RequestSide, path: [Event]) -> Row {
        Row(
            state: .waiting(attempt: attempt, request: request),
            path: path + [.connected] + (request == .sent ? [.requestEnded] : []),
            moves: [
                (.requestEnded, .wait, .waiting(attempt: attempt, request: .sent)),
                (.headArrived, .relayHead, .relaying(request: request)),
                (.turnedAway(again: false), .reply(.upstreamCredentialsExhausted), .finished),
                next(attempt, .turnedAway(again: true), else: .upstreamCredentialsExhausted),
                (.upstreamLost(again: false, freshOnly: false), .reply(.upstreamClosed), .finished),
                (.upstreamLost(again: false, freshOnly: true), .reply(.upstreamClosed), .finished),
                next(attempt, .upstreamLost(again: true, freshOnly: false), else: .upstreamClosed),
                next(
                    attempt, .upstreamLost(again: true, freshOnly: true), freshOnly: true,
                    else: .upstreamClosed),
                (.upstreamTimedOut(again: false), .reply(.upstreamTimeout), .finished),
                next(attempt, .upstreamTimedOut(again: true), else: .upstreamTimeout),
            ] + unansweredEnds,
            impossible: decisions + connections + keys + ends)
    }

    private static let table: [Row] = {
        let toSecond: [Event] = [.admitted, .connectFailed(again: true)]
        let toLast: [Event] =
            [.admitted] + Array(repeating: .connectFailed(again: true), count: Int(last) - 1)
        let toSending: [Event] = [.admitted, .connected, .headArrived]
        let toSent: [Event] = [.admitted, .connected, .requestEnded, .headArrived]
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
                ] + overdue),
            connecting(1, path: [.admitted]), connecting(2, path: toSecond), connecting(last, path: toLast),
            keying(1, path: [.admitted]), keying(2, path: toSecond), keying(last, path: toLast),
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
                    (.clientLeft(sawLastEvent: false), .wait, .draining),
                    (.clientLeft(sawLastEvent: true), .wait, .draining),
                    (.callerRevoked, .wait, .draining),
                    (.cut, .releaseUpstream(reuse: false), .finished),
                ] + (losses + timeouts).map { ($0, .releaseUpstream(reuse: false), .finished) },
                impossible: decisions + connections + keys + turns + [
                    .requestEnded, .headArrived, .requestRefused, .clientStalled,
                ]),
            Row(state: .finished, path: [.answeredLocally], moves: [], impossible: Event.allCases),
        ]
        for (attempt, path) in [(1, [.admitted]), (2, toSecond), (last, toLast)] as [(UInt8, [Event])] {
            for request in [Exchange.RequestSide.sending, .sent] {
                rows.append(waiting(attempt, request, path: path))
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
                (.clientLeft(sawLastEvent: false), .abort(.clientLeft), .finished),
                isWhole
                    ? (.clientLeft(sawLastEvent: true), .drainUpstream, .draining)
                    : (.clientLeft(sawLastEvent: true), .abort(.clientLeft), .finished),
                (.requestRefused, .abort(.clientBroken), .finished),
                (.clientStalled, .abort(.clientStalled), .finished),
                (.callerRevoked, .abort(.cut), .finished), (.cut, .abort(.cut), .finished),
            ] + (losses + timeouts).map { ($0, .abort(.upstreamLost), .finished) },
            impossible: decisions + connections + keys + turns + [.headArrived])
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
        #expect(ExchangeTests.table.count == 20)
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
            ExchangeTests.table.map { (ExchangeTests.kind($0.state), $0.moves.map(\.0)) },
            uniquingKeysWith: { first, _ in first })
        for _ in 0..<50 {
            var exchange = Exchange()
            var walk = Promises()
            while exchange.state != .finished, walk.steps < 1000 {
                guard let event = possible[ExchangeTests.kind(exchange.state)]?.randomElement(using: &random)
                else {
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

    /// The same for all attempts: the same events may come.
    private static func kind(_ state: Exchange.State) -> String {
        switch state {
        case .connecting: "connecting"
        case .keying: "keying"
        case .waiting(_, let request): "waiting \(request)"
        case .admitting, .collecting, .asking, .queued, .relaying, .draining, .finished: "\(state)"
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
                if event != .keyFound { connects += 1 }
                if hasHead { broken.append("connect after the head") }
                if freshOnly != (event == .upstreamLost(again: true, freshOnly: true)) {
                    broken.append("wrong kind of lease")
                }
                switch event {
                case .upstreamLost(again: false, _), .turnedAway(again: false), .connectFailed(again: false),
                    .keyMissing(again: false), .upstreamTimedOut(again: false):
                    broken.append("repeated although nobody wanted it")
                default: break
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
