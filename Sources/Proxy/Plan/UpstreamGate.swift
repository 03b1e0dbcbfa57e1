/// Who may be with an upstream at once, and who waits for a place there. One for all workers and endpoints;
/// outlives generations, so that a reload neither forgets who is in nor loses who waits.
///
/// Whoever enters leaves exactly once. A place that comes free while somebody waits is theirs from then on,
/// before they know of it: whoever freed it is given their ticket and lets their worker know. Who has gone
/// meanwhile cancels, and so passes the place on: none is ever lost. So nobody waits while there is room, and
/// nobody who comes later overtakes.
final class UpstreamGate: Sendable {
    struct Bounds: Equatable, Sendable {
        /// `max_in_flight`: at least 1.
        var inFlightMax: Int
        /// `queue.max`: 0 where nobody waits.
        var queuedMax: Int

        /// `max_in_flight: off`, for those who came while it was on.
        static let none = Bounds(inFlightMax: .max, queuedMax: 0)
    }

    enum Admission: Equatable, Sendable {
        case entered
        case queued(WaitingLine.Place)
        /// `max_in_flight` are in, and nobody may wait.
        case full
        /// `max_in_flight` are in, and `queue.max` wait.
        case queueFull
    }

    struct Figures: Equatable, Sendable {
        var bounds: Bounds
        var inFlight = 0
        var queued = 0
        /// Since the gate was made: those who found it full, or waited in vain.
        var refused: UInt64 = 0
    }

    private struct State: Sendable {
        var bounds: Bounds
        var inFlight = 0
        var line = WaitingLine()
        var refused: UInt64 = 0

        /// The next in line, who is in from now on; nil: nobody waits, or there is no room.
        mutating func admitNext() -> Ticket? {
            guard inFlight < bounds.inFlightMax, let next = line.popFirst() else { return nil }
            inFlight += 1
            return next
        }

        mutating func leave() -> Ticket? {
            precondition(inFlight > 0, "a place at an upstream was given back twice")
            inFlight -= 1
            return admitNext()
        }
    }

    private let state: Locked<State>

    init(_ bounds: Bounds) { state = Locked(State(bounds: bounds)) }

    /// Worker: an exchange wants to its upstream.
    func enter(_ ticket: Ticket) -> Admission {
        state.withLock { state in
            if state.inFlight < state.bounds.inFlightMax {
                state.inFlight += 1
                return .entered
            }
            guard state.line.count < state.bounds.queuedMax else {
                state.refused += 1
                return state.bounds.queuedMax == 0 ? .full : .queueFull
            }
            return .queued(state.line.append(ticket))
        }
    }

    /// Worker: an exchange that another upstream has failed would go here, and does not wait.
    func enterIfFree() -> Bool {
        state.withLock { state in
            guard state.inFlight < state.bounds.inFlightMax else { return false }
            state.inFlight += 1
            return true
        }
    }

    /// Worker: one who was in is done with the upstream.
    /// - Returns: who is in instead, and is to be told.
    func leave() -> Ticket? { state.withLock { $0.leave() } }

    /// Worker: one who was queued there goes away.
    /// - Returns: who is in instead, and is to be told, if there was a place for the one who goes already.
    func cancel(_ ticket: Ticket, at place: WaitingLine.Place) -> Ticket? {
        state.withLock { $0.line.remove(ticket, at: place) ? nil : $0.leave() }
    }

    /// Worker: one who was queued there has waited for as long as they may.
    /// - Returns: false if they are in: the word of it is on its way.
    func expire(_ ticket: Ticket, at place: WaitingLine.Place) -> Bool {
        state.withLock { state in
            guard state.line.remove(ticket, at: place) else { return false }
            state.refused += 1
            return true
        }
    }

    /// Control: other bounds from now on. Those who are in stay, and so do those who wait, however many.
    /// - Returns: who is in because of it, and is to be told.
    func setBounds(_ bounds: Bounds) -> [Ticket] {
        state.withLock { state in
            state.bounds = bounds
            var entered: [Ticket] = []
            while let next = state.admitNext() { entered.append(next) }
            return entered
        }
    }

    var figures: Figures {
        state.withLock {
            Figures(bounds: $0.bounds, inFlight: $0.inFlight, queued: $0.line.count, refused: $0.refused)
        }
    }
}
