import Glibc
import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct EndpointPoolTests {
    private func address(_ port: UInt16) -> SocketAddress {
        withUnsafePointer(to: loopback(port: port)) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketAddress($0, length: 16)! }
        }
    }

    private func ports(_ pool: EndpointPool, _ count: Int, now: UInt64 = 0) -> [UInt16] {
        (0..<count).compactMap { _ in
            guard let taken = pool.takeAddress(now: now)?.address else { return nil }
            return (1...9).first { address($0) == taken }
        }
    }

    @Test func `addresses take turns, and follow what is published`() {
        let state = EndpointState(id: 1, display: "", tls: nil)
        let pool = EndpointPool(state: state)
        #expect(pool.takeAddress(now: 0) == nil)
        state.publish([address(1), address(2), address(3)])
        #expect(ports(pool, 5) == [1, 2, 3, 1, 2])
        #expect(pool.addressCount() == 3)
        state.publish([address(9)])
        #expect(ports(pool, 2) == [9, 9])
        state.publish([])
        #expect(pool.takeAddress(now: 0) == nil && pool.addressCount() == 0)
    }

    @Test func `an address that failed is left out for a while, unless all did`() throws {
        let state = EndpointState(id: 1, display: "", tls: nil)
        let pool = EndpointPool(state: state)
        state.publish([address(1), address(2), address(3)])
        let first = try #require(pool.takeAddress(now: 5))
        pool.addressFailed(first.place, now: 5)
        #expect(ports(pool, 4, now: 6) == [2, 3, 2, 3])
        let second = try #require(pool.takeAddress(now: 7))
        pool.addressFailed(second.place, now: 7)
        #expect(ports(pool, 2, now: 8) == [3, 3])
        let third = try #require(pool.takeAddress(now: 8))
        pool.addressFailed(third.place, now: 8)
        #expect(Set(ports(pool, 3, now: 9)) == [1, 2, 3])
        let back = 5 + EndpointPool.failedAddressTime
        #expect(ports(pool, 2, now: back) == [1, 1] && Set(ports(pool, 2, now: back + 2)) == [1, 2])
    }

    @Test func `what failed stays known when the name is looked up again`() throws {
        let state = EndpointState(id: 1, display: "", tls: nil)
        let pool = EndpointPool(state: state)
        state.publish([address(1), address(2)])
        let first = try #require(pool.takeAddress(now: 0))
        pool.addressFailed(first.place, now: 0)
        state.publish([address(3), address(1), address(2)])
        #expect(ports(pool, 4) == [3, 2, 3, 2])
        // Of a connection from before: nobody knows which of them it went to.
        pool.addressFailed(first.place, now: 0)
        pool.addressFailed(AddressPlace(), now: 0)
        #expect(ports(pool, 2) == [3, 2])
    }

    @Test func `publishing the same again changes nothing`() {
        let state = EndpointState(id: 1, display: "", tls: nil)
        state.publish([address(1)])
        let version = state.addressVersion.load(ordering: .relaxed)
        state.publish([address(1)])
        #expect(state.addressVersion.load(ordering: .relaxed) == version)
    }

    @Test func `the most recently used connection is taken first`() {
        let pool = EndpointPool(state: EndpointState(id: 1, display: "", tls: nil))
        let connections = (0..<3).map { _ in UpstreamConnection(descriptor: -1, pool: pool) }
        for connection in connections { pool.pushIdle(connection) }
        pool.removeIdle(connections[1])
        pool.removeIdle(connections[1])
        #expect(pool.popIdle() === connections[2])
        #expect(pool.popIdle() === connections[0])
        #expect(pool.popIdle() == nil)
    }
}
