import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct TargetMappingTests {
    private func target(_ line: String, base: String, strip: String, add: String) throws -> String {
        let endpoint = EndpointPlan(
            state: EndpointState(id: 0, display: "", tls: nil), authority: [], basePath: Array(base.utf8),
            basePathEndsInV1: base.hasSuffix("/v1"), maxConnections: 1, maxIdlePerWorker: 1, idleTimeout: 0)
        let route = RoutePlan.test(strip: strip, add: add)
        let fields = FieldTable()
        defer { fields.deallocate() }
        let head = Array("\(line) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        return try withExactBytes(head) { buffer -> Result<String, HeadError> in
            let bytes = UnsafeRawBufferPointer(buffer)
            do throws(HeadError) {
                let parsed = try HeadParser.parseRequest(bytes, limits: testLimits, fields: fields)
                return .success(
                    written { writer in
                        // As on the wire: something stands in front of the target.
                        writer.put("GET ")
                        route.writeTarget(&writer, parsed!, bytes, endpoint)
                    })
            } catch {
                return .failure(error)
            }
        }.get()
    }

    // Request target; path of the url, strip_prefix, add_prefix; what goes upstream.
    @Test(
        arguments: [
            ("/", "", "", "", "/"), ("/a/b", "", "", "", "/a/b"), ("/a", "/base", "", "", "/base/a"),
            ("/", "/base", "", "", "/base/"),
            // /v1 once, whether clients write it or not.
            ("/v1/models", "/api/v1", "", "", "/api/v1/models"),
            ("/models", "/api/v1", "", "", "/api/v1/models"),
            ("/v1", "/v1", "", "", "/v1"), ("/v1/", "/v1", "", "", "/v1/"),
            ("/v1x/a", "/v1", "", "", "/v1/v1x/a"),
            ("/v1/v1/a", "/v1", "", "", "/v1/v1/a"), ("/v1/a", "/v1beta", "", "", "/v1beta/v1/a"),
            ("/v1?a", "/v1", "", "", "/v1?a"), ("/a", "/v1", "", "/v1", "/v1/a"),
            ("/in/v1/a", "/v1", "/in", "", "/v1/a"),
            // strip_prefix at a segment's end only.
            ("/api/a", "", "/api", "", "/a"), ("/apix/a", "", "/api", "", "/apix/a"),
            ("/other", "", "/api", "", "/other"),
            ("/api", "", "/api", "", "/"), ("/api?q", "", "/api", "", "/?q"), ("/api/", "", "/api", "", "/"),
            ("/api", "/base", "/api", "", "/base"), ("/api/a", "", "/api/", "", "/a"),
            ("/api", "", "/api/", "", "/api"),
            ("/api", "", "/api", "/v2", "/v2"), ("/api/a", "/base", "/api", "/v2", "/base/v2/a"),
            ("/a", "", "", "/v2", "/v2/a"),
            // What is received goes on byte for byte, also where a prefix was written with escapes.
            ("/a%2fb/%7e?x=%zz&y=/../", "/base", "", "", "/base/a%2fb/%7e?x=%zz&y=/../"),
            ("/%61pi/x%2F", "", "/api", "", "/x%2F"),
            ("/a?", "/b", "", "", "/b/a?"), ("/a??b?c#", "", "", "", nil),
            ("//a//b", "/base", "", "", "/base//a//b"),
            ("/api//a", "", "/api", "", "//a"),
            // The absolute form without a path.
            ("http://h", "/base", "", "", "/base/"), ("http://h?q", "", "", "", "/?q"),
            ("http://h/api", "", "/api", "", "/"),
        ] as [(String, String, String, String, String?)])
    func `paths are joined and the query kept`(
        target: String, base: String, strip: String, add: String, expected: String?
    ) throws {
        guard let expected else {
            #expect(throws: HeadError.targetInvalid) {
                try self.target("GET \(target)", base: base, strip: strip, add: add)
            }
            return
        }
        #expect(try self.target("GET \(target)", base: base, strip: strip, add: add) == "GET " + expected)
    }

    @Test func `the asterisk is about the whole server and goes on as it is`() throws {
        #expect(try target("OPTIONS *", base: "/v1", strip: "", add: "/x") == "GET *")
    }
}
