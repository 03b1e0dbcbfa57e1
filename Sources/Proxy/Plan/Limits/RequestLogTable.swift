/// One shard of `RequestWindows`: the logs of its subjects, found by open addressing with linear probing.
///
/// Each admission also looks at two logs in turn and forgets those that are empty by now. So what is
/// remembered stays within about twice the subjects of one window, and no admission has to clear away many at
/// once.
struct RequestLogTable: Sendable {
    private var logs: [RequestLog] = []
    /// Index into `logs` plus one; 0 for a free place.
    private var places = [UInt32](repeating: 0, count: 8)
    /// The log that is looked at next.
    private var hand = 0

    var count: Int { logs.count }

    mutating func admit(
        _ subject: RequestWindows.Subject, max: Int, window: UInt64, now: UInt64
    ) -> RequestWindows.Verdict {
        for _ in 0..<2 { forgetNext(now: now, except: subject) }
        let place = place(of: subject)
        if places[place] == 0 {
            logs.append(RequestLog(subject))
            places[place] = UInt32(logs.count)
            defer { if logs.count * 4 > places.count * 3 { grow() } }
            return logs[logs.count - 1].admit(max: max, window: window, now: now)
        }
        return logs[Int(places[place]) - 1].admit(max: max, window: window, now: now)
    }

    mutating func withdraw(_ subject: RequestWindows.Subject) {
        let entry = places[place(of: subject)]
        if entry > 0 { logs[Int(entry) - 1].withdraw() }
    }

    private mutating func forgetNext(now: UInt64, except subject: RequestWindows.Subject) {
        guard !logs.isEmpty else { return }
        hand = hand + 1 < logs.count ? hand + 1 : 0
        guard logs[hand].isOver(now: now), logs[hand].subject != subject else { return }
        free(place(of: logs[hand].subject))
        let last = logs.count - 1
        if hand < last {
            places[place(of: logs[last].subject)] = UInt32(hand + 1)
            logs.swapAt(hand, last)
        }
        logs.removeLast()
    }

    /// Where the subject is, or would be put.
    private func place(of subject: RequestWindows.Subject) -> Int {
        var place = home(of: subject)
        while places[place] != 0, logs[Int(places[place]) - 1].subject != subject {
            place = place + 1 == places.count ? 0 : place + 1
        }
        return place
    }

    /// Entries behind the gap that probed over it move up.
    private mutating func free(_ freed: Int) {
        var gap = freed
        var place = freed
        places[gap] = 0
        while true {
            place = place + 1 == places.count ? 0 : place + 1
            guard places[place] != 0 else { return }
            let home = home(of: logs[Int(places[place]) - 1].subject)
            let distance = place >= home ? place - home : place + places.count - home
            let toGap = place >= gap ? place - gap : place + places.count - gap
            guard distance >= toGap else { continue }
            places[gap] = places[place]
            places[place] = 0
            gap = place
        }
    }

    private mutating func grow() {
        places = Array(repeating: 0, count: places.count * 2)
        for index in logs.indices { places[place(of: logs[index].subject)] = UInt32(index + 1) }
    }

    /// The shard is chosen by the low bits.
    private func home(of subject: RequestWindows.Subject) -> Int {
        Int(subject.mixed.multipliedFullWidth(by: UInt64(places.count)).high)
    }
}

/// When the requests of one subject were admitted that still count: a ring that grows as far as it must.
struct RequestLog: Sendable {
    let subject: RequestWindows.Subject
    /// A ring: `count` times from `first` on, oldest first.
    private var times: [UInt64] = []
    private var first: UInt32 = 0
    private var count: UInt32 = 0
    /// Monotonic nanoseconds when the newest leaves the window.
    private var endsAt: UInt64 = 0

    init(_ subject: RequestWindows.Subject) { self.subject = subject }

    func isOver(now: UInt64) -> Bool { count == 0 || endsAt <= now }

    mutating func admit(max: Int, window: UInt64, now: UInt64) -> RequestWindows.Verdict {
        while count > 0, times[Int(first)] + window <= now { dropFirst() }
        guard Int(count) < max else {
            // The limit may have been lowered: then more than one has to leave.
            return .refused(wait: time(Int(count) - max) + window - now)
        }
        // A worker whose turn began earlier may come later: times stay in order.
        let at = count > 0 ? Swift.max(now, time(Int(count) - 1)) : now
        if Int(count) == times.count { grow(max: max) }
        let end = Int(first) + Int(count)
        times[end < times.count ? end : end - times.count] = at
        count += 1
        endsAt = at + window
        return .admitted(remaining: max - Int(count))
    }

    mutating func withdraw() { if count > 0 { count -= 1 } }

    private func time(_ index: Int) -> UInt64 {
        let at = Int(first) + index
        return times[at < times.count ? at : at - times.count]
    }

    private mutating func dropFirst() {
        first = Int(first) + 1 < times.count ? first + 1 : 0
        count -= 1
    }

    private mutating func grow(max: Int) {
        var grown: [UInt64] = []
        let capacity = Swift.max(times.count + 1, min(Swift.max(4, times.count * 2), max))
        grown.reserveCapacity(capacity)
        for index in 0..<Int(count) { grown.append(time(index)) }
        while grown.count < capacity { grown.append(0) }
        times = grown
        first = 0
    }
}
