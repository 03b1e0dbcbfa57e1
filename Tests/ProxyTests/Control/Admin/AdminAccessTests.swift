import Stores
import Testing

@testable import Proxy

private let access = AdminAccess(token: Secret("0123456789abcdef"), isMetricsOpen: false)

@Suite(.tags(.fast)) struct AdminAccessTests {
    @Test(arguments: [
        ("Bearer 0123456789abcdef", true), ("bearer 0123456789abcdef", true),
        ("Bearer 0123456789abcdeg", false), ("Bearer 0123456789abcde", false),
        ("Bearer 0123456789abcdef0", false), ("Bearer  0123456789abcdef", false), ("Bearer", false),
        ("Bearer ", false), ("Basic 0123456789abcdef", false), ("0123456789abcdef", false), ("", false),
    ])
    func `the token is sent as Bearer, whole`(authorization: String, isGood: Bool) {
        #expect(access.hasToken(authorization) == isGood)
        #expect(!access.hasToken(nil))
    }

    @Test func `metrics are open where the file says so, health checks always, all else never`() {
        let open = AdminAccess(token: access.token, isMetricsOpen: true)
        var request = AdminRequest(method: "GET", path: "/")
        #expect(open.admits(request, to: .metrics))
        #expect(!access.admits(request, to: .metrics))
        #expect(access.admits(request, to: .everybody))
        #expect(!open.admits(request, to: .token))
        request.isTrusted = true
        #expect(access.admits(request, to: .metrics))
        #expect(access.admits(request, to: .token))
    }
}
