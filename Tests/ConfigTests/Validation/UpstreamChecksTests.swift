import Testing

@testable import Config

@Suite struct UpstreamChecksTests {
    static func problems(_ upstream: String) -> [String] {
        read(
            "version: 1\nupstreams: { a: { \(upstream) } }\nauth: { o: { mode: none } }\nlisteners: { l: 127.0.0.1:1 }\n"
                + "routes: [{ path: /a, auth: o, to: a }]\n"
        ).diagnostics.map { "\($0.severity) \($0.keyPath)" }
    }

    @Test func `tls needs an https endpoint`() {
        #expect(Self.problems("url: http://b, tls: {}") == ["error upstreams.a.tls"])
        #expect(Self.problems("endpoints: [http://b, https://b], tls: {}") == [])
    }

    @Test func `an endpoint stands once`() {
        #expect(Self.problems("endpoints: [http://b, http://B:80/]") == ["error upstreams.a.endpoints[1]"])
    }

    @Test func `one endpoint needs no balance`() {
        #expect(Self.problems("url: http://b, balance: hash") == ["warning upstreams.a.balance"])
        #expect(Self.problems("endpoints: [http://b, http://c], balance: hash") == [])
    }

    @Test func `no upstream is called as the word for all models`() {
        let text = "version: 1\nupstreams: { models: http://b }\n"
        #expect(firstError(text)?.keyPath == "upstreams.models")
    }

    @Test func `a queue where nothing is bounded is warned about`() {
        #expect(Self.problems("url: http://b, queue: { max: 1 }") == ["warning upstreams.a.queue"])
        #expect(Self.problems("url: http://b, queue: { max: 1 }, max_in_flight: 2") == [])
        #expect(Self.problems("url: http://b, queue: { timeout: 1s }") == [])
        // One mistake, one message.
        #expect(
            Self.problems("url: http://b, queue: { max: 1 }, max_in_flight: x") == [
                "error upstreams.a.max_in_flight"
            ])
    }

    @Test func `clocks that end before others begin are warned about`() {
        #expect(
            Self.problems("url: http://b, timeouts: { total: 1s }") == ["warning upstreams.a.timeouts.total"])
        #expect(
            Self.problems("url: http://b, timeouts: { total: 1s, first_byte: off }") == [
                "warning upstreams.a.timeouts.total"
            ])
        #expect(Self.problems("url: http://b, timeouts: { total: 10m }") == [])
    }
}
