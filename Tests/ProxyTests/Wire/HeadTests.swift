import Testing

@testable import Proxy

@Suite struct HeadTests {
    @Test func `a connection is kept by default from 1.1 and on request from 1.0`() {
        let cases: [(HTTPVersion, ConnectionOptions, Bool)] = [
            (.http11, [], true), (.http11, [.keepAlive], true), (.http11, [.close], false),
            (.http11, [.keepAlive, .close], false), (.http10, [], false), (.http10, [.keepAlive], true),
            (.http10, [.close], false), (.http10, [.keepAlive, .close], false),
            (.http10, [.upgrade], false),
        ]
        for (version, options, keepsAlive) in cases {
            #expect(RequestHead(version: version, connection: options).keepsAlive == keepsAlive)
            #expect(ResponseHead(version: version, connection: options).keepsAlive == keepsAlive)
        }
    }

    @Test func `idempotent methods are those of RFC 9110`() {
        let idempotent = Proxy.Method.allCases.filter(\.isIdempotent)
        #expect(idempotent == [.get, .head, .put, .delete, .options, .trace])
    }
}
