import CLinux
import Glibc

/// Why the mock upstream could not start, for people.
struct MockError: Error, Equatable {
    var message: String
}

/// An OpenAI-compatible upstream inside headgate, for trying it out and for tests: it needs no account, no
/// model and no network. `MockAnswers` says what it answers.
final class MockUpstream: Sendable {
    /// The port that was bound; what the system chose where 0 was asked for.
    let port: UInt16
    private let listener: Int32
    private let stopEvent: Int32
    private let thread: pthread_t

    /// Binds the address and serves it on a thread of its own.
    ///
    /// - Parameter host: an IPv4 or IPv6 address without brackets, or a name such as `localhost`.
    /// - Throws: with a message that names the address and what is wrong with it.
    static func start(host: String, port: UInt16) throws(MockError) -> MockUpstream {
        let (listener, boundPort) = try bind(host: host, port: port)
        let stopEvent = eventfd(0, Int32(EFD_CLOEXEC))
        guard stopEvent >= 0 else { throw MockError(message: "mock upstream: eventfd: \(reason(errno))") }
        let start = Unmanaged.passRetained(ThreadStart(listener: listener, stopEvent: stopEvent))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { start in
                let descriptors = Unmanaged<ThreadStart>.fromOpaque(start!).takeRetainedValue()
                headgate_name_thread("mock")
                MockLoop(listener: descriptors.listener, stop: descriptors.stopEvent).run()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            start.release()
            throw MockError(message: "mock upstream: no thread: \(reason(failure))")
        }
        return MockUpstream(port: boundPort, listener: listener, stopEvent: stopEvent, thread: thread)
    }

    private final class ThreadStart: Sendable {
        let listener: Int32
        let stopEvent: Int32

        init(listener: Int32, stopEvent: Int32) {
            self.listener = listener
            self.stopEvent = stopEvent
        }
    }

    private init(port: UInt16, listener: Int32, stopEvent: Int32, thread: pthread_t) {
        self.port = port
        self.listener = listener
        self.stopEvent = stopEvent
        self.thread = thread
    }

    /// Blocks as long as the mock upstream serves, which is until the process ends.
    func runForever() { pthread_join(thread, nil) }

    /// Closes every connection and the listener, and waits for that. May be called once, and not beside
    /// `runForever`.
    func stop() {
        eventfd_write(stopEvent, 1)
        pthread_join(thread, nil)
        close(listener)
        close(stopEvent)
    }

    // MARK: - Binding

    private static func bind(host: String, port: UInt16) throws(MockError) -> (listener: Int32, port: UInt16)
    {
        let name = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, "\(port)", &hints, &found)
        guard failure == 0, let address = found else {
            throw MockError(message: "mock upstream: \(name): \(String(cString: gai_strerror(failure)))")
        }
        defer { freeaddrinfo(found) }
        let listener = socket(
            address.pointee.ai_family,
            Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard listener >= 0 else { throw MockError(message: "mock upstream: \(name): \(reason(errno))") }
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard Glibc.bind(listener, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
            listen(listener, 4096) == 0
        else {
            let problem = errno
            close(listener)
            throw MockError(message: "mock upstream: cannot listen on \(name): \(reason(problem))")
        }
        return (listener, boundPort(of: listener))
    }

    private static func boundPort(of listener: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { storage in
            let raw = UnsafeMutableRawPointer(storage)
            getsockname(listener, raw.assumingMemoryBound(to: sockaddr.self), &length)
            // The port stands in the same place of sockaddr_in and sockaddr_in6.
            return UInt16(bigEndian: raw.assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port)
        }
    }

    private static func reason(_ error: Int32) -> String { String(cString: strerror(error)).lowercased() }
}
