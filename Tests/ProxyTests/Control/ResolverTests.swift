import Glibc
import Testing

@testable import Config
@testable import Proxy

private func url(_ host: String, port: UInt16 = 80, scheme: EndpointURL.Scheme = .http) -> EndpointURL {
    let text = "\(scheme.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    let folder = TemporaryFolder()
    let path = folder.write(
        "headgate.yaml",
        """
        version: 1
        listeners: { one: 127.0.0.1:8000 }
        auth: { open: { mode: none } }
        upstreams: { api: "\(text)" }
        routes: [ { path: /a, auth: open, to: api } ]
        """)
    guard let loaded = ConfigLoader(path: path).load().loaded else { fatalError("\(text) is no URL") }
    return loaded.config.upstreams[0].endpoints[0].url
}

private func settings(verifies: Bool = true, serverName: String? = nil) -> TLSClientConfig {
    TLSClientConfig(ca: nil, serverName: serverName, insecureSkipVerify: !verifies)
}

/// Waits for the bell, for at most ten seconds.
private func takeAnswers(_ resolver: Resolver, _ entries: [EndpointRegistry.Entry]) {
    var wanted = pollfd(fd: resolver.bell.descriptor, events: Int16(POLLIN), revents: 0)
    while resolver.isWaiting(for: entries), poll(&wanted, 1, 10_000) > 0 { resolver.takeAnswers() }
}

@Test func `a numeric address needs no look-up`() throws {
    let (registry, resolver) = (EndpointRegistry(), try Resolver())
    let entry = try registry.entry(for: url("127.0.0.1", port: 81), tls: settings(), authorities: nil)
    resolver.admit([entry])
    #expect(!resolver.isWaiting(for: [entry]))
    #expect(entry.state.currentAddresses().map(\.text) == ["127.0.0.1:81"])
    #expect(resolver.lookUpDue() == nil)
}

@Test func `a name becomes addresses, and is looked up again later`() throws {
    let (registry, resolver) = (EndpointRegistry(), try Resolver())
    let entry = try registry.entry(for: url("localhost", port: 82), tls: settings(), authorities: nil)
    resolver.admit([entry])
    #expect(resolver.isWaiting(for: [entry]))
    takeAnswers(resolver, [entry])
    #expect(entry.state.currentAddresses().map(\.text).contains { $0.hasSuffix(":82") })
    let delay = try #require(resolver.lookUpDue())
    #expect((1000...30_001).contains(delay))
}

@Test func `a name that does not resolve leaves its endpoint without addresses and is tried again`() throws {
    let (registry, resolver) = (EndpointRegistry(), try Resolver())
    // RFC 6761 §6.4: `.invalid` never resolves.
    let entry = try registry.entry(for: url("headgate-test.invalid"), tls: settings(), authorities: nil)
    resolver.admit([entry])
    takeAnswers(resolver, [entry])
    #expect(!resolver.isWaiting(for: [entry]))
    #expect(entry.state.currentAddresses() == [])
    #expect(try #require(resolver.lookUpDue()) <= 1001)
}

@Test func `an endpoint that has gone is looked up no more`() throws {
    let (registry, resolver) = (EndpointRegistry(), try Resolver())
    var entry: EndpointRegistry.Entry? = try registry.entry(
        for: url("localhost"), tls: settings(), authorities: nil)
    resolver.admit(entry.map { [$0] } ?? [])
    takeAnswers(resolver, entry.map { [$0] } ?? [])
    entry = nil
    #expect(resolver.lookUpDue() == nil)
}

@Test func `pauses grow to half a minute`() {
    #expect((1...8).map(Resolver.pauseSeconds) == [1, 2, 4, 8, 16, 30, 30, 30])
}

@Test func `an unchanged endpoint is the same object, a changed one is not`() throws {
    let registry = EndpointRegistry()
    let first = try registry.entry(for: url("127.0.0.1"), tls: settings(), authorities: nil)
    let same = try registry.entry(for: url("127.0.0.1"), tls: settings(), authorities: nil)
    #expect(first.state === same.state)
    let port = try registry.entry(for: url("127.0.0.1", port: 81), tls: settings(), authorities: nil)
    let host = try registry.entry(for: url("127.0.0.2"), tls: settings(), authorities: nil)
    #expect(Set([first, port, host].map(\.state.id)).count == 3)
    #expect(first.state.display == "http://127.0.0.1:80")
}

@Test func `endpoints of one TLS setting share a context, and a name of their own keeps them apart`() throws {
    let registry = EndpointRegistry()
    let one = url("127.0.0.1", port: 443, scheme: .https)
    let two = url("127.0.0.2", port: 443, scheme: .https)
    let first = try registry.entry(for: one, tls: settings(verifies: false), authorities: nil)
    let second = try registry.entry(for: two, tls: settings(verifies: false), authorities: nil)
    let named = settings(verifies: false, serverName: "a.example")
    let third = try registry.entry(for: one, tls: named, authorities: nil)
    #expect(first.state.tls?.context == second.state.tls?.context)
    #expect(first.state.tls?.serverName == "127.0.0.1")
    #expect(third.state !== first.state)
    #expect(third.state.tls?.serverName == "a.example")
}

@Test func `an endpoint that no generation names is forgotten`() throws {
    let registry = EndpointRegistry()
    var entry: EndpointRegistry.Entry? = try registry.entry(
        for: url("127.0.0.1"), tls: settings(), authorities: nil)
    let id = entry?.state.id
    #expect(registry.living.count == 1)
    entry = nil
    registry.evict()
    #expect(registry.living.isEmpty)
    let again = try registry.entry(for: url("127.0.0.1"), tls: settings(), authorities: nil)
    #expect(again.state.id != id)
}
