// Covers ServiceManager.swift, ServiceWatch.swift, SocketStore.swift.
// Covers InheritedSockets.swift, JournalStream.swift.
import CLinux
import Glibc
import Testing

@testable import Config
@testable import Proxy

/// A service manager's end of `$NOTIFY_SOCKET`.
private final class FakeManager {
    let folder = TemporaryFolder()
    let descriptor: Int32
    var environment: [String: String] { ["NOTIFY_SOCKET": folder.path + "/notify"] }

    init() {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        #expect(headgate_bind_unix(descriptor, folder.path + "/notify") == 0)
    }

    deinit { close(descriptor) }

    /// The next message and its descriptors; nil: there is none.
    func take() -> (text: String, descriptors: [Int32])? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var descriptors = [Int32](repeating: -1, count: HEADGATE_DESCRIPTORS_MAX)
        var count = 0
        let size = headgate_receive_message(descriptor, &bytes, bytes.count, &descriptors, &count)
        guard size > 0 else { return nil }
        return (String(decoding: bytes[..<size], as: UTF8.self), Array(descriptors[..<count]))
    }
}

private func boundSocket() throws -> (address: BindAddress, descriptor: Int32) {
    let descriptor = try ListenerSockets.bindIP(host: "127.0.0.1", port: 0)
    return (try #require(BindAddress(listening: descriptor)), descriptor)
}

@Test func `without a service manager nothing is told, and nothing fails`() {
    let manager = ServiceManager(environment: [:])
    #expect(!manager.isThere)
    #expect(!manager.tell(["READY=1"]))
    #expect(ServiceWatch(manager, environment: ["WATCHDOG_USEC": "1000"]).turnMilliseconds == nil)
    manager.waitUntilTaken()
}

@Test func `what is told arrives as one datagram, and a line break in it makes no line`() throws {
    let fake = FakeManager()
    let watch = ServiceWatch(ServiceManager(environment: fake.environment), environment: [:])
    watch.ready("Serving generation 3; it FAILED:\nMAINPID=1")
    #expect(fake.take()?.text == "READY=1\nSTATUS=Serving generation 3; it FAILED: MAINPID=1")
    watch.stopping("Stopping", within: 12_000)
    #expect(fake.take()?.text == "STOPPING=1\nEXTEND_TIMEOUT_USEC=12000000\nSTATUS=Stopping")
    watch.reloading()
    #expect(fake.take()?.text.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
    #expect(fake.take() == nil)
}

@Test func `a socket is stored once, and taken out when nothing names it any more`() throws {
    let fake = FakeManager()
    let store = SocketStore(ServiceManager(environment: fake.environment), inherited: [], environment: [:])
    let bound = try boundSocket()
    defer { close(bound.descriptor) }
    store.keep([bound])
    let told = try #require(fake.take())
    #expect(told.text == "FDSTORE=1\nFDNAME=\(SocketStore.name(of: bound.address))\nFDPOLL=0")
    #expect(told.descriptors.count == 1)
    let copy = try #require(told.descriptors.first)
    #expect(BindAddress(listening: copy)?.isSame(bound.address) == true)
    close(copy)
    store.keep([bound])
    #expect(fake.take() == nil)
    // Whether it is really kept shows only when one has come back.
    #expect(!store.outlives(bound.address))
    store.keep([])
    #expect(fake.take()?.text == "FDSTOREREMOVE=1\nFDNAME=\(SocketStore.name(of: bound.address))")
}

@Test func `a socket that came back outlives the process, and so does one of a socket unit`() throws {
    let bound = try boundSocket()
    let other = try boundSocket()
    defer {
        close(bound.descriptor)
        close(other.descriptor)
    }
    let items = [
        InheritedSockets.Item(
            descriptor: bound.descriptor, name: SocketStore.name(of: bound.address), address: bound.address),
        InheritedSockets.Item(descriptor: other.descriptor, name: "headgate.socket", address: other.address),
    ]
    let store = SocketStore(ServiceManager(environment: [:]), inherited: items, environment: [:])
    #expect(store.outlives(bound.address))
    #expect(store.outlives(other.address))
    #expect(!store.outlives(.ip(host: "127.0.0.1", port: 1)))
}

@Test func `a listener takes the socket that is there already, and gives it back when the file is bad`()
    throws
{
    let bound = try boundSocket()
    let inherited = InheritedSockets([.init(descriptor: bound.descriptor, name: "n")])
    let sockets = ListenerSockets(inherited: inherited)
    defer { sockets.closeAll() }
    let config = ListenerConfig(
        name: "a", bind: bound.address, allow: [], maxConnections: 10, maxHeadBytes: 1024, maxFields: 10,
        timeouts: ListenerTimeoutsConfig(head: nil, body: nil, clientIdle: nil, keepAlive: nil),
        allowsHalfClose: false)
    let failed = try sockets.prepare([config])
    #expect(failed.sockets[0].descriptor == bound.descriptor)
    sockets.rollBack(failed)
    #expect(inherited.items.map(\.descriptor) == [bound.descriptor])
    let served = try sockets.prepare([config])
    sockets.commit(served)
    #expect(served.sockets[0].descriptor == bound.descriptor)
    #expect(inherited.items.isEmpty)
}

@Test func `addresses are the same however they are written`() {
    let table: [(BindAddress, BindAddress, Bool)] = [
        (.ip(host: "localhost", port: 80), .ip(host: "127.0.0.1", port: 80), true),
        (.ip(host: "::1", port: 80), .ip(host: "0:0:0:0:0:0:0:1", port: 80), true),
        (.ip(host: "127.0.0.1", port: 80), .ip(host: "127.0.0.1", port: 81), false),
        (.ip(host: "0.0.0.0", port: 80), .ip(host: "127.0.0.1", port: 80), false),
        (.ip(host: "127.0.0.1", port: 0), .ip(host: "127.0.0.1", port: 0), false),
        (.unix(path: "/a"), .unix(path: "/a"), true),
        (.unix(path: "/a"), .ip(host: "127.0.0.1", port: 80), false),
    ]
    for (one, other, isSame) in table { #expect(one.isSame(other) == isSame, "\(one) \(other)") }
}

@Test func `names in the store are printable and without colons`() {
    #expect(SocketStore.name(of: .ip(host: "::1", port: 443)) == "headgate-[__1]_443")
    #expect(SocketStore.name(of: .unix(path: "/run/a b")) == "headgate-unix_/run/a_b")
}

@Test func `stderr is the journal's only where its device and inode are those of JOURNAL_STREAM`() {
    var status = stat()
    #expect(fstat(STDERR_FILENO, &status) == 0)
    let own = "\(UInt64(status.st_dev)):\(UInt64(status.st_ino))"
    #expect(JournalStream.isJournal(STDERR_FILENO, own))
    for other in [nil, "", "0:0", own + "0", "1:\(UInt64(status.st_ino))"] as [String?] {
        #expect(!JournalStream.isJournal(STDERR_FILENO, other), "\(other ?? "nil")")
    }
}
