import Testing

@testable import Proxy

// Covers RateLimit.swift

private let alice = RequestWindows.Subject(high: 1, low: 2)
private let bob = RequestWindows.Subject(high: 1, low: 3)

@Suite(.tags(.fast)) struct RequestWindowsTests {
    @Test func `as many as the limit come in within any window, and the next waits for the oldest to leave`()
    {
        let windows = RequestWindows()
        for (now, expected) in [
            (UInt64(100), RequestWindows.Verdict.admitted(remaining: 2)), (110, .admitted(remaining: 1)),
            (150, .admitted(remaining: 0)), (160, .refused(wait: 40)), (199, .refused(wait: 1)),
            // Refused ones did not count: one place is free as soon as the oldest has left.
            (200, .admitted(remaining: 0)), (200, .refused(wait: 10)), (211, .admitted(remaining: 0)),
            (1000, .admitted(remaining: 2)),
        ] {
            #expect(windows.admit(alice, max: 3, window: 100, now: now) == expected, "at \(now)")
        }
        #expect(windows.admit(bob, max: 3, window: 100, now: 160) == .admitted(remaining: 2))
    }

    @Test(arguments: UInt64(1)...20)
    func `no window ever holds more than the limit, and no refusal was needless`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let windows = RequestWindows()
        var now: UInt64 = 1000
        var admitted: [UInt64] = []
        for _ in 0..<2000 {
            now += UInt64.random(in: 0...30, using: &random)
            let max = Int.random(in: 1...9, using: &random)
            let inside = admitted.filter { $0 + 100 > now }
            switch windows.admit(alice, max: max, window: 100, now: now) {
            case .admitted(let remaining):
                #expect(inside.count < max && remaining == max - inside.count - 1)
                admitted.append(now)
            case .refused(let wait):
                #expect(inside.count >= max && wait > 0)
                #expect(inside.filter { $0 + 100 > now + wait }.count < max)
                #expect(inside.filter { $0 + 100 > now + wait - 1 }.count >= max)
            }
            if Int.random(in: 0..<10, using: &random) == 0, admitted.last == now {
                windows.withdraw(alice)
                admitted.removeLast()
            }
        }
    }

    @Test func `a limit that is lowered holds at once, one that is raised too`() {
        let windows = RequestWindows()
        for now in UInt64(0)..<5 { _ = windows.admit(alice, max: 5, window: 100, now: now) }
        #expect(windows.admit(alice, max: 2, window: 100, now: 50) == .refused(wait: 53))
        #expect(windows.admit(alice, max: 8, window: 100, now: 50) == .admitted(remaining: 2))
    }

    @Test func `a withdrawn request did not happen`() {
        let windows = RequestWindows()
        _ = windows.admit(alice, max: 1, window: 100, now: 1)
        windows.withdraw(alice)
        #expect(windows.admit(alice, max: 1, window: 100, now: 2) == .admitted(remaining: 0))
        windows.withdraw(bob)
        #expect(windows.count == 1)
    }

    @Test func `whoever comes no more is forgotten`() {
        let windows = RequestWindows()
        for round in UInt64(0)..<50 {
            for number in UInt64(0)..<1000 {
                let subject = RequestWindows.Subject(high: 7, low: round * 1000 + number)
                _ = windows.admit(subject, max: 2, window: 100, now: round * 200)
            }
            #expect(windows.count <= 2100, "round \(round)")
        }
    }

    @Test func `the count is exact over threads`() async {
        let windows = RequestWindows()
        let admitted = Locked(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<1000 {
                        guard case .admitted = windows.admit(alice, max: 777, window: 100, now: 5) else {
                            continue
                        }
                        admitted.withLock { $0 += 1 }
                    }
                }
            }
        }
        #expect(admitted.withLock { $0 } == 777)
    }
}
