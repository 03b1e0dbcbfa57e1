import Glibc
import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct EndpointPoolTests {
    private func address(_ port: UInt16) -> SocketAddress {
        withUnsafePointer(to: loopback(port: port)) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketAddress($0, length: 16)! }
        }
    }

    @Test func `addresses take turns, stay where it worked, and follow what is published`() {
        let state = EndpointState(id: 1, display: "", tls: nil)
        let pool = EndpointPool(state: state)
        #expect(pool.takeAddress() == nil)
        state.publish([address(1), address(2), address(3)])
        #expect([1, 2, 3, 1].map(address) == (0..<4).map { _ in pool.takeAddress() })
        pool.addressWorked()
        #expect(pool.takeAddress() == address(1))
        #expect(pool.addressCount() == 3)
        state.publish([address(9)])
        #expect(pool.takeAddress() == address(9))
        pool.addressWorked()
        #expect(pool.takeAddress() == address(9))
        state.publish([])
        #expect(pool.takeAddress() == nil && pool.addressCount() == 0)
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
