import Glibc
import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct SocketAddressTests {
    private func make(_ address: sockaddr_in) -> SocketAddress? {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketAddress($0, length: 16) }
        }
    }

    private func make(_ address: sockaddr_in6, length: socklen_t = 28) -> SocketAddress? {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketAddress($0, length: length) }
        }
    }

    private func version6(port: UInt16, last: UInt8) -> sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0[15] = last }
        return address
    }

    @Test func `both families are given to the kernel as they came`() throws {
        let four = try #require(make(loopback(port: 80)))
        #expect(four.family == AF_INET)
        four.withPointer { pointer, length in
            #expect(length == 16)
            #expect(memcmp(pointer, [loopback(port: 80)], 16) == 0)
        }
        let six = try #require(make(version6(port: 443, last: 1)))
        #expect(six.family == AF_INET6)
        six.withPointer { pointer, length in
            #expect(length == 28)
            #expect(memcmp(pointer, [version6(port: 443, last: 1)], 28) == 0)
        }
    }

    @Test func `addresses are equal when everything is`() {
        #expect(make(loopback(port: 80)) == make(loopback(port: 80)))
        #expect(make(loopback(port: 80)) != make(loopback(port: 81)))
        #expect(make(version6(port: 80, last: 1)) != make(version6(port: 80, last: 2)))
        #expect(make(version6(port: 80, last: 1)) != make(loopback(port: 80)))
    }

    @Test func `other families and lengths are refused`() {
        var unix = version6(port: 1, last: 1)
        unix.sin6_family = sa_family_t(AF_UNIX)
        #expect(make(unix) == nil)
        #expect(make(version6(port: 1, last: 1), length: 29) == nil)
    }
}
