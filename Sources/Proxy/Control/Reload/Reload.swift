/// One reload after another, from what set it off to the last exchange of the generation before.
///
///     idle ─triggered─▶ settling ─filesRead─▶ building ─built─▶ resolving ─resolved─▶ publishing
///      ▲                   │ equal               │ buildFailed                           │ adopted
///      ├───────────────────┴─────────────────────┘                                       ▼
///      └──────────────────────────────drained──────────────────────────────────────── draining
///
/// Whatever sets off another reload meanwhile is remembered, many as one, and begins when this one has ended:
/// it reads the files again, so nobody is answered with what was read before they asked. Draining is no
/// hindrance to the next.
///
/// Pure: no file, no clock, no thread. `ReloadDriver` reports what happened by calling one method and
/// performs the one `Action` it gets back.
struct Reload: Equatable {
    enum Trigger: String, Equatable, CaseIterable {
        case start = "start"
        case file = "file change"
        case signal = "SIGHUP"
        case request = "headgate reload"

        /// A change of a file may be half of one: it counts once two reads agree. Whoever asks says that it
        /// is whole.
        var settles: Bool { self == .file }
    }

    enum State: Equatable {
        case idle
        case settling(Trigger, Settling)
        case building(Trigger)
        case resolving(Trigger)
        case publishing(Trigger)
        /// Published; exchanges of older generations may still run.
        case draining
    }

    struct Settling: Equatable {
        var last: InputFiles?
        var reads = 0
        var readsWithMissing = 0
    }

    enum Action: Equatable {
        case wait
        case read(afterMilliseconds: Int)
        /// The files are what is served already.
        case reportUnchanged(Trigger)
        case build(Trigger)
        case reportFailure(Trigger)
        case resolve
        case publish(Trigger)
        /// Every worker has adopted: close what was removed, then tell whoever asked.
        case closeRemoved(Trigger)
    }

    static let pauseMilliseconds = 20
    /// Files that never stop changing are built as they are after a second.
    static let readsMax = 50
    /// A file that has gone is waited for during two seconds: editors and symlink swaps take it away for a
    /// moment.
    static let readsWithMissingMax = 100

    private(set) var state: State = .idle
    /// What came while a reload was running.
    private(set) var pending: Trigger?
    /// Older generations have exchanges.
    private var drains = false

    mutating func triggered(_ trigger: Trigger) -> Action {
        switch state {
        case .idle, .draining:
            state = .settling(trigger, Settling())
            return .read(afterMilliseconds: 0)
        case .settling(let current, let settling):
            // Why not remembered: the files are about to be read anyway, at once for whoever says that they
            // are whole.
            guard current.settles, !trigger.settles else { return .wait }
            state = .settling(trigger, settling)
            return .read(afterMilliseconds: 0)
        case .building, .resolving, .publishing:
            pending = pending.map { $0.settles ? trigger : $0 } ?? trigger
            return .wait
        }
    }

    /// - Parameters:
    ///   - files: what all known input files held just now.
    ///   - served: what they held for the generation that is served; nil before the first.
    mutating func filesRead(_ files: InputFiles, served: InputFiles?) -> Action {
        switch state {
        case .settling(let trigger, var settling):
            settling.reads += 1
            if files.hasLost(since: served), trigger != .start, files != served {
                settling.readsWithMissing += 1
                if settling.readsWithMissing < Reload.readsWithMissingMax {
                    return settle(trigger, settling, files)
                }
            } else if trigger.settles, settling.last != files, settling.reads < Reload.readsMax {
                return settle(trigger, settling, files)
            }
            if files == served {
                state = rest
                return .reportUnchanged(trigger)
            }
            state = .building(trigger)
            return .build(trigger)
        case .idle, .building, .resolving, .publishing, .draining:
            invalidTransition("filesRead")
        }
    }

    mutating func built() -> Action {
        switch state {
        case .building(let trigger):
            state = .resolving(trigger)
            return .resolve
        case .idle, .settling, .resolving, .publishing, .draining:
            invalidTransition("built")
        }
    }

    /// Nothing was changed.
    mutating func buildFailed() -> Action {
        switch state {
        case .building(let trigger):
            state = rest
            return .reportFailure(trigger)
        case .idle, .settling, .resolving, .publishing, .draining:
            invalidTransition("buildFailed")
        }
    }

    /// Every name has an answer, or the time for it is over.
    mutating func resolved() -> Action {
        switch state {
        case .resolving(let trigger):
            state = .publishing(trigger)
            return .publish(trigger)
        case .idle, .settling, .building, .publishing, .draining:
            invalidTransition("resolved")
        }
    }

    /// Every worker serves the new generation.
    mutating func adopted() -> Action {
        switch state {
        case .publishing(let trigger):
            drains = true
            state = .draining
            return .closeRemoved(trigger)
        case .idle, .settling, .building, .resolving, .draining:
            invalidTransition("adopted")
        }
    }

    /// No exchange of an older generation runs any more. Comes when it comes, in any state.
    mutating func drained() -> Action {
        drains = false
        switch state {
        case .draining: state = .idle
        case .idle, .settling, .building, .resolving, .publishing: break
        }
        return .wait
    }

    /// The outcome was reported: begins what came meanwhile.
    mutating func reported() -> Action {
        switch state {
        case .idle, .draining:
            guard let trigger = pending else { return .wait }
            pending = nil
            return triggered(trigger)
        case .settling, .building, .resolving, .publishing:
            return .wait
        }
    }

    private var rest: State { drains ? .draining : .idle }

    private mutating func settle(_ trigger: Trigger, _ settling: Settling, _ files: InputFiles) -> Action {
        var settling = settling
        settling.last = files
        state = .settling(trigger, settling)
        return .read(afterMilliseconds: Reload.pauseMilliseconds)
    }

    private func invalidTransition(_ event: String) -> Never {
        preconditionFailure("reload: \(event) in \(state)")
    }
}
