import Glibc
import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct UpstreamPlanTests {
    @Test func `addresses count as new only when they differ`() throws {
        let state = EndpointState(id: 1, display: "http://a:1", tls: nil)
        #expect(state.currentAddresses().isEmpty)
        let first = try #require(address(port: 1))
        let second = try #require(address(port: 2))
        state.publish([])
        #expect(version(state) == 0)
        state.publish([first])
        #expect(version(state) == 1)
        state.publish([first])
        #expect(version(state) == 1)
        state.publish([first, second])
        #expect(version(state) == 2)
        #expect(state.currentAddresses() == [first, second])
        state.publish([])
        #expect(version(state) == 3 && state.currentAddresses().isEmpty)
    }

    @Test func `the last refusal of a certificate is kept`() {
        let state = EndpointState(id: 1, display: "https://a:1", tls: nil)
        state.noteUntrusted(18)
        state.noteUntrusted(20)
        #expect(state.lastUntrusted.load(ordering: .relaxed) == 20)
        #expect(state.displayText.bytes.elementsEqual(Array("https://a:1".utf8)))
    }

    private func version(_ state: EndpointState) -> UInt64 { state.addressVersion.load(ordering: .acquiring) }

    private func address(port: UInt16) -> SocketAddress? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                SocketAddress($0, length: socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
