import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct CORSTests {
    private func policy(
        _ origins: [String]?, credentials: Bool = false, headers: String = "", exposed: String = ""
    ) -> CORSPolicy {
        CORSPolicy(
            origins: origins?.map { Array($0.utf8) }, allowsCredentials: credentials,
            methods: Array("GET, POST".utf8),
            headers: Array(headers.utf8), exposed: Array(exposed.utf8), maxAge: Array("600".utf8))
    }

    private func fields(_ policy: CORSPolicy, origin: String) -> String {
        withExactBytes(origin) { bytes in
            let origin = UnsafeRawBufferPointer(bytes)
            return written {
                policy.writeResponseFields(&$0, origin: origin, isAllowed: policy.allows(origin: origin))
            }
        }
    }

    private func preflight(_ policy: CORSPolicy, origin: String, asked: String) -> String {
        withExactBytes(origin) { bytes in
            withExactBytes(asked) { asked in
                let origin = UnsafeRawBufferPointer(bytes)
                return written {
                    policy.writePreflightFields(
                        &$0, origin: origin, isAllowed: policy.allows(origin: origin),
                        asked: UnsafeRawBufferPointer(asked))
                }
            }
        }
    }

    @Test func `any origin is answered with an asterisk and never with credentials`() {
        #expect(fields(policy(nil), origin: "https://a") == "Access-Control-Allow-Origin: *\r\n")
        #expect(
            fields(policy(nil, credentials: true), origin: "https://a")
                == "Access-Control-Allow-Origin: *\r\n")
        #expect(fields(policy(nil), origin: "") == "")
    }

    @Test func `a listed origin is named and answers vary by it`() {
        let listed = policy(["https://a", "https://b"], credentials: true, exposed: "x-a, x-b")
        #expect(
            fields(listed, origin: "https://b")
                == "Vary: Origin\r\nAccess-Control-Allow-Origin: https://b\r\n"
                + "Access-Control-Allow-Credentials: true\r\n"
                + "Access-Control-Expose-Headers: x-a, x-b\r\n")
        for stranger in ["https://c", "https://b.evil", "HTTPS://B", "null", ""] {
            #expect(fields(listed, origin: stranger) == "Vary: Origin\r\n")
        }
    }

    @Test func `a preflight is told what it may send`() {
        let vary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
        let listed = policy(["https://a"])
        let allowed =
            vary + "Access-Control-Allow-Origin: https://a\r\nAccess-Control-Allow-Methods: GET, POST"
        let age = "\r\nAccess-Control-Max-Age: 600\r\n"
        #expect(preflight(listed, origin: "https://a", asked: "") == allowed + age)
        #expect(
            preflight(listed, origin: "https://a", asked: "x-a, x-b")
                == allowed + "\r\nAccess-Control-Allow-Headers: x-a, x-b" + age)
        #expect(
            preflight(policy(["https://a"], headers: "x-c"), origin: "https://a", asked: "x-a")
                == allowed + "\r\nAccess-Control-Allow-Headers: x-c" + age)
        #expect(preflight(listed, origin: "https://b", asked: "x-a") == vary)
    }

    @Test(arguments: [
        ("Access-Control-Allow-Origin", true), ("access-control-max-age", true), ("ACCESS-CONTROL-X", true),
        ("Access-Control-", false), ("Access-Contro", false), ("X-Access-Control-Allow-Origin", false),
        ("Vary", false),
    ])
    func `fields of the upstream that a route's rules replace`(name: String, isOwned: Bool) {
        withExactBytes(name) { bytes in
            let line = FieldLine(
                name: ByteRange(start: 0, count: UInt32(bytes.count)), value: .empty, known: .other,
                isHopByHop: false)
            #expect(CORSPolicy.owns(line, UnsafeRawBufferPointer(bytes)) == isOwned)
        }
    }
}
