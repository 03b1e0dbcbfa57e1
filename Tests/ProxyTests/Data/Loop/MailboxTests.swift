import Glibc
import Synchronization
import Testing

@testable import Proxy

@Suite struct MailboxTests {
    private func isRung(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }

    private func deadlines(_ mail: [Mail]) -> [UInt64] {
        mail.map { if case .drain(let deadline) = $0 { deadline } else { 0 } }
    }

    @Test func `mail wakes, is taken once and in order`() throws {
        let mailbox = try Mailbox()
        #expect(!isRung(mailbox.descriptor))
        #expect(mailbox.takeAll().isEmpty)
        for deadline in UInt64(1)...3 { mailbox.post(.drain(deadline: deadline)) }
        #expect(isRung(mailbox.descriptor))
        #expect(deadlines(mailbox.takeAll()) == [1, 2, 3])
        #expect(!isRung(mailbox.descriptor))
        #expect(mailbox.takeAll().isEmpty)
    }

    @Test func `mail of several threads arrives whole, each thread's in its order`() throws {
        let mailbox = try Mailbox()
        let threads = try (0..<4).map { thread in
            try TestThread {
                for index in 0..<500 { mailbox.post(.drain(deadline: UInt64(thread * 1000 + index))) }
            }
        }
        var taken: [UInt64] = []
        #expect(
            eventually {
                taken += deadlines(mailbox.takeAll())
                return taken.count == 2000
            })
        for thread in threads { thread.join() }
        for thread in 0..<4 {
            #expect(
                taken.filter { $0 / 1000 == UInt64(thread) } == (0..<500).map { UInt64(thread * 1000 + $0) })
        }
    }

    @Test func `a bell rings until it is silenced`() throws {
        let bell = try Bell()
        #expect(!isRung(bell.descriptor))
        bell.ring()
        bell.ring()
        #expect(isRung(bell.descriptor))
        bell.silence()
        #expect(!isRung(bell.descriptor))
        bell.silence()
    }

    @Test func `a writer is woken only when it said that it sleeps, and once`() throws {
        let writer = try WriterBell()
        writer.recordAppended()
        #expect(!isRung(writer.bell.descriptor))
        writer.isAsleep.store(true, ordering: .sequentiallyConsistent)
        writer.recordAppended()
        #expect(isRung(writer.bell.descriptor))
        writer.bell.silence()
        writer.recordAppended()
        #expect(!isRung(writer.bell.descriptor))
    }

    @Test func `a failed call names itself and its reason`() {
        #expect("\(SystemError(call: "bind", errno: EADDRINUSE))" == "bind: Address already in use")
    }
}

/// A thread of its own for a test.
final class TestThread {
    private var thread = pthread_t()

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    init(_ run: @escaping @Sendable () -> Void) throws {
        let body = Unmanaged.passRetained(Body(run))
        let result = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard result == 0 else { throw Unexpected("pthread_create: \(result)") }
    }

    func join() { pthread_join(thread, nil) }
}
