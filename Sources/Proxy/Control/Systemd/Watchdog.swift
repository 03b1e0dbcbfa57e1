import Stores

/// When the service manager is told that all is well: only while every worker still takes its mail, so that a
/// loop that hangs ends in a restart. `WatchdogSec=` of systemd.service(5).
struct Watchdog: Equatable {
    /// Between two beats: a third of what the service manager waits, so that one late beat is no death.
    let milliseconds: Int
    /// Of the last beat that workers were sent.
    private(set) var lastBeat: UInt64 = 0

    /// nil: nobody watches this process.
    init?(environment: [String: String], processID: Int32) {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = UInt64(text), microseconds > 0
        else {
            return nil
        }
        if let named = environment["WATCHDOG_PID"], !named.isEmpty, Int32(named) != processID { return nil }
        milliseconds = max(1, Int(clamping: microseconds / 3000))
    }

    /// A turn is due.
    /// - Parameter answered: the latest beat of each worker.
    /// - Returns: whether all is well, and the beat to send next. A beat that somebody owes is not followed
    ///   by another.
    mutating func turn(answered: [UInt64]) -> (isWell: Bool, next: UInt64?) {
        guard answered.allSatisfy({ $0 >= lastBeat }) else { return (false, nil) }
        lastBeat += 1
        return (true, lastBeat)
    }
}
