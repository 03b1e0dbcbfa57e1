import Glibc

/// An address to connect to, as the kernel wants it.
struct SocketAddress: Sendable, Equatable {
    let storage: sockaddr_in6
    /// AF_INET or AF_INET6.
    let family: Int32

    static func == (a: SocketAddress, b: SocketAddress) -> Bool {
        a.family == b.family && a.bytes == b.bytes
    }

    private var bytes: [UInt8] { withUnsafeBytes(of: storage) { Array($0) } }

    /// - Parameter address: a `sockaddr_in` or `sockaddr_in6` of `length` bytes, as `getaddrinfo(3)` gives
    ///   it.
    /// - Returns: nil for any other family.
    init?(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        family = Int32(address.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6, Int(length) <= MemoryLayout<sockaddr_in6>.size else {
            return nil
        }
        var storage = sockaddr_in6()
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
        self.storage = storage
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        return withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}
