import Glibc
import Testing

@testable import Proxy

@Test func `who waits for a value gets it from another thread, and who waits in vain nothing`() throws {
    let number = Awaited(0)
    #expect(number.wait(milliseconds: 1) { $0 == 1 ? true : nil } == nil)
    try ControlThread.start("test") { number.change { $0 = 1 } }
    #expect(number.wait(milliseconds: 20_000) { $0 == 1 ? "seen" : nil } == "seen")
    #expect(number.change { $0 } == 1)
}
