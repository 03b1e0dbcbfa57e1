import CLinux
import Glibc

/// One thread, one epoll: accepts, reads, answers and keeps time for every connection of the mock upstream.
final class MockLoop {
    private static let eventsMax = 256
    private static let readBytes = 64 * 1024
    /// How long no connection is accepted after the process ran out of descriptors.
    private static let acceptPauseNanoseconds: UInt64 = 100_000_000

    // What epoll events carry: these two, or a connection's id.
    private static let listenerID: UInt64 = 0
    private static let stopID: UInt64 = 1

    private let listener: Int32
    private let poll: Int32
    private var connections: [UInt64: MockConnection] = [:]
    private var nextID: UInt64 = 2
    private var timers = MockTimers()
    private var answers = MockAnswers()
    private var counts = MockCounts()
    private var now: UInt64 = 0
    private var acceptsAgainAt: UInt64?
    private var readBuffer = [UInt8](repeating: 0, count: readBytes)

    /// - Parameter stop: an eventfd; the loop ends when it is written to.
    init(listener: Int32, stop: Int32) {
        self.listener = listener
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(poll >= 0, "epoll_create1 failed: errno \(errno)")
        watch(listener, EPOLL_CTL_ADD, events: EPOLLIN.rawValue, id: Self.listenerID)
        watch(stop, EPOLL_CTL_ADD, events: EPOLLIN.rawValue, id: Self.stopID)
    }

    deinit {
        for connection in connections.values { Glibc.close(connection.descriptor) }
        Glibc.close(poll)
    }

    func run() {
        var events = [epoll_event](repeating: epoll_event(), count: Self.eventsMax)
        while true {
            let ready = epoll_wait(poll, &events, Int32(Self.eventsMax), waitMilliseconds)
            now = headgate_monotonic_ns()
            for event in events.prefix(Int(max(ready, 0))) {
                switch event.data.u64 {
                case Self.listenerID: accept()
                case Self.stopID: return
                case let id: if let connection = connections[id] { handle(connection, event.events) }
                }
            }
            while let timer = timers.popExpired(at: now) { expired(timer) }
        }
    }

    private var waitMilliseconds: Int32 {
        guard let deadline = timers.first?.atNanoseconds else { return -1 }
        let now = headgate_monotonic_ns()
        return deadline <= now ? 0 : Int32(clamping: (deadline - now + 999_999) / 1_000_000)
    }

    private func expired(_ timer: MockTimers.Timer) {
        if timer.id == Self.listenerID {
            watch(listener, EPOLL_CTL_MOD, events: EPOLLIN.rawValue, id: Self.listenerID)
        } else if let connection = connections[timer.id], connection.wakeAtNanoseconds == timer.atNanoseconds
        {
            connection.wake(now: now)
            advance(connection)
        }
    }

    private func accept() {
        while true {
            let descriptor = headgate_accept(listener, nil, nil)
            if descriptor < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                if errno != EAGAIN { pauseAccepting() }
                return
            }
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
            let connection = MockConnection(id: nextID, descriptor: descriptor)
            nextID += 1
            counts.connectionsAccepted += 1
            connections[connection.id] = connection
            connection.watchedEvents = EPOLLIN.rawValue | EPOLLRDHUP.rawValue
            watch(descriptor, EPOLL_CTL_ADD, events: connection.watchedEvents, id: connection.id)
        }
    }

    /// Why: out of descriptors, the listener stays ready and the loop would spin on it.
    private func pauseAccepting() {
        watch(listener, EPOLL_CTL_MOD, events: 0, id: Self.listenerID)
        timers.add(MockTimers.Timer(atNanoseconds: now + Self.acceptPauseNanoseconds, id: Self.listenerID))
    }

    private func handle(_ connection: MockConnection, _ events: UInt32) {
        if events & EPOLLIN.rawValue != 0, connection.wantsInput, !receive(connection) {
            close(connection)
            return
        }
        if connection.isAnswering, events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
        {
            close(connection)
            return
        }
        advance(connection)
    }

    /// Reads what there is, up to a buffer. False: the client ended or the connection broke.
    private func receive(_ connection: MockConnection) -> Bool {
        let count = recv(connection.descriptor, &readBuffer, Self.readBytes, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        if case .reading = connection.phase { connection.input += readBuffer[..<count] }
        return count > 0
    }

    /// Does everything that can be done now: reads requests, makes events, sends, and sets what to wait for.
    private func advance(_ connection: MockConnection) {
        repeat {
            readRequest(connection)
            connection.makeEvents(now: now)
            if let usage = connection.takeUsage() { counts.add(usage) }
            guard connection.flush(now: now) else { return close(connection) }
            if case .closed = connection.phase { return close(connection) }
        } while connection.hasMoreEvents
            || (madeProgress && connection.readsNext && !connection.input.isEmpty)
        if let deadline = connection.wakeAtNanoseconds {
            timers.add(MockTimers.Timer(atNanoseconds: deadline, id: connection.id))
        }
        var events = EPOLLRDHUP.rawValue
        if connection.wantsInput { events |= EPOLLIN.rawValue }
        if connection.hasOutput { events |= EPOLLOUT.rawValue }
        if events != connection.watchedEvents {
            connection.watchedEvents = events
            watch(connection.descriptor, EPOLL_CTL_MOD, events: events, id: connection.id)
        }
    }

    /// Whether the last `readRequest` found a whole request, so that another may stand behind it.
    private var madeProgress = false

    private func readRequest(_ connection: MockConnection) {
        madeProgress = false
        guard connection.readsNext, !connection.input.isEmpty else { return }
        do throws(MockRequestError) {
            switch try connection.reader.read(&connection.input) {
            case .incomplete: break
            case .expectsContinue: connection.sendContinue()
            case .request(let request):
                madeProgress = true
                counts.requests += 1
                counts.connectionsOpen = connections.count
                connection.begin(answers.answer(request, counts: counts), for: request, now: now)
            }
        } catch {
            connection.refuse(error)
        }
    }

    private func close(_ connection: MockConnection) {
        if connection.isAnswering { counts.answersCancelled += 1 }
        connections[connection.id] = nil
        Glibc.close(connection.descriptor)
    }

    private func watch(_ descriptor: Int32, _ operation: Int32, events: UInt32, id: UInt64) {
        var event = epoll_event(events: events, data: epoll_data_t(u64: id))
        let done = epoll_ctl(poll, operation, descriptor, &event)
        precondition(done == 0, "epoll_ctl failed: errno \(errno)")
    }
}

/// Deadlines in order: a binary heap. A timer that is no longer wanted is ignored when it comes.
struct MockTimers {
    struct Timer: Equatable {
        var atNanoseconds: UInt64
        var id: UInt64
    }

    private var heap: [Timer] = []

    var first: Timer? { heap.first }

    mutating func add(_ timer: Timer) {
        heap.append(timer)
        var child = heap.count - 1
        while child > 0, heap[child].atNanoseconds < heap[(child - 1) / 2].atNanoseconds {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popExpired(at now: UInt64) -> Timer? {
        guard let first = heap.first, first.atNanoseconds <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].atNanoseconds < heap[least].atNanoseconds { least = child }
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
