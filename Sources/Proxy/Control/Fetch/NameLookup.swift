import CLinux
import Glibc

/// Looks a name up and stops waiting at a deadline, which `getaddrinfo(3)` does not know: the call is made on
/// a thread of its own, which is left behind when it takes too long and ends with the call.
enum NameLookup {
    private final class Shared: Sendable {
        let found = Locked<(addresses: [SocketAddress], problem: String)?>(nil)
        let bell: Bell
        init() throws(SystemError) { bell = try Bell() }
    }

    /// - Parameter deadline: monotonic nanoseconds.
    static func addresses(
        of host: String, port: UInt16, deadline: UInt64
    ) throws(HTTPFetch.Failure) -> [SocketAddress] {
        if let numeric = SocketAddress(numericHost: host, port: port) { return [numeric] }
        let shared: Shared
        do throws(SystemError) {
            shared = try Shared()
            try ControlThread.start("hg-lookup") {
                let found = Resolver.addresses(of: host, port: port)
                shared.found.withLock { $0 = found }
                shared.bell.ring()
            }
        } catch { throw HTTPFetch.Failure(description: error.description) }
        while true {
            if let found = shared.found.withLock({ $0 }) {
                guard found.addresses.isEmpty else { return found.addresses }
                throw HTTPFetch.Failure(description: "the name does not resolve: \(found.problem)")
            }
            let now = headgate_monotonic_ns()
            guard now < deadline else {
                throw HTTPFetch.Failure(description: "the name did not resolve in time")
            }
            var wanted = pollfd(fd: shared.bell.descriptor, events: Int16(POLLIN), revents: 0)
            poll(&wanted, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
        }
    }
}
