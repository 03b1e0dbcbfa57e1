import Glibc

/// Something did not happen in time, or went wrong on the way to what a test is about.
struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// - Parameter call: what failed and left `errno`.
    init(errno code: Int32, in call: String) { description = "\(call): \(String(cString: strerror(code)))" }
}

enum Clock {
    /// Seconds since some moment, never backwards.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Looks every few milliseconds whether it has happened. The one place where tests wait for something that no
/// descriptor tells.
func waitUntil(_ what: String, within seconds: Double = 15, _ condition: () throws -> Bool) throws {
    let deadline = Clock.seconds + seconds
    while try !condition() {
        guard Clock.seconds < deadline else { throw Trouble("not within \(seconds) s: \(what)") }
        poll(nil, 0, 5)
    }
}

/// Like `waitUntil`, for something that a condition finds.
func waitFor<Found>(_ what: String, within seconds: Double = 15, _ look: () throws -> Found?) throws -> Found
{
    var found: Found?
    try waitUntil(what, within: seconds) {
        found = try look()
        return found != nil
    }
    return found!
}

/// Tells whether something stays true all the while. For what must not happen; keep `seconds` short.
func holds(for seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Clock.seconds + seconds
    while Clock.seconds < deadline {
        guard try condition() else { return false }
        poll(nil, 0, 10)
    }
    return true
}

/// Paces what a test sends: goes on after this time, or as soon as there is no reason to wait any more.
func pace(_ seconds: Double, while condition: () throws -> Bool) rethrows {
    _ = try holds(for: seconds, condition)
}
