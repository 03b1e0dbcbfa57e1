import Testing

@testable import Proxy

@Test func `a watchdog beats thrice in the time that systemd waits, for its own process alone`() {
    #expect(Watchdog(environment: ["WATCHDOG_USEC": "15000000"], processID: 7)?.milliseconds == 5000)
    #expect(
        Watchdog(environment: ["WATCHDOG_USEC": "3000", "WATCHDOG_PID": "7"], processID: 7)?.milliseconds == 1
    )
    for environment in [
        [:], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "soon"],
        ["WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "8"],
    ] {
        #expect(Watchdog(environment: environment, processID: 7) == nil, "\(environment)")
    }
}

@Test func `all is well only while every worker has answered the last beat`() throws {
    var watchdog = try #require(Watchdog(environment: ["WATCHDOG_USEC": "3000000"], processID: 1))
    #expect(watchdog.turn(answered: [0, 0]) == (true, 1))
    #expect(watchdog.turn(answered: [1, 0]) == (false, nil))
    #expect(watchdog.turn(answered: [1, 0]) == (false, nil))
    #expect(watchdog.turn(answered: [1, 1]) == (true, 2))
    #expect(watchdog.turn(answered: [2, 2]) == (true, 3))
}
