import Glibc
import Testing

@testable import Proxy

@Suite struct SocketTests {
    private func pair() throws -> (near: Int32, far: TestConnection) {
        let listener = try TestListener()
        guard case .success(let near) = Socket.connect(to: listener.address) else {
            throw Unexpected("no connection")
        }
        return (near, try listener.accept())
    }

    private func read(_ descriptor: Int32, max: Int) -> IOResult {
        withUnsafeTemporaryAllocation(byteCount: max, alignment: 1) { Socket.read(descriptor, into: $0) }
    }

    @Test func `a read says whether there may be more, and how it ended`() throws {
        let (near, far) = try pair()
        defer { close(near) }
        #expect(read(near, max: 4) == .wouldBlock)
        #expect(Socket.isQuiet(near))
        try far.send("abcdef")
        #expect(eventually { !Socket.isQuiet(near) })
        #expect(read(near, max: 4) == .moved(4, more: true))
        #expect(read(near, max: 4) == .moved(2, more: false))
        far.finish()
        #expect(eventually { read(near, max: 4) == .ended })
        #expect(!Socket.isQuiet(near))
    }

    @Test func `a reset is a failure with its errno`() throws {
        let (near, far) = try pair()
        defer { close(near) }
        far.reset()
        #expect(eventually { read(near, max: 4) == .failed(ECONNRESET) })
        let text: StaticString = "x"
        let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: 1)
        #expect(Socket.write(near, bytes) == .failed(EPIPE))
        #expect(Socket.write(near, bytes, bytes) == .failed(EPIPE))
    }

    @Test func `a write that is not taken whole says so, and two pieces go out as one`() throws {
        let (near, far) = try pair()
        defer { close(near) }
        withExactBytes("head") { head in
            withExactBytes("body") { body in
                #expect(
                    Socket.write(near, UnsafeRawBufferPointer(head), UnsafeRawBufferPointer(body))
                        == .moved(8, more: false))
            }
        }
        #expect(try far.readText(8) == "headbody")
        let large = [UInt8](repeating: 0, count: 32 << 20)
        large.withUnsafeBytes { bytes in
            guard case .moved(let count, more: true) = Socket.write(near, bytes) else {
                Issue.record("32 MiB went out at once")
                return
            }
            #expect(count > 0 && count < bytes.count)
            #expect(eventually { Socket.write(near, bytes) == .wouldBlock })
        }
    }

    @Test func `a connect to nobody is known by its pending error`() throws {
        let dead = try TestListener().address
        guard case .success(let descriptor) = Socket.connect(to: dead) else { return }
        defer { close(descriptor) }
        #expect(eventually { Socket.pendingError(descriptor) == ECONNREFUSED })
    }

    @Test func `peers are read from what accept fills in`() {
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = UInt16(443).bigEndian
        withUnsafeMutableBytes(of: &six.sin6_addr) {
            $0[0] = 0x20
            $0[15] = 7
        }
        #expect(
            PeerAddress(six) == PeerAddress(high: 0x2000_0000_0000_0000, low: 7, port: 443, isUnix: false))
        var storage = sockaddr_in6()
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: loopback(port: 8080)) { target.copyMemory(from: $0) }
        }
        #expect(
            PeerAddress(storage) == PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 8080, isUnix: false))
        storage.sin6_family = sa_family_t(AF_UNIX)
        #expect(PeerAddress(storage) == PeerAddress(high: 0, low: 1, port: 0, isUnix: true))
    }
}
