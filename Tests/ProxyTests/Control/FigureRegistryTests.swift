import Config
import Testing

@testable import Proxy

private func config(routes: Int, upstreams: [String] = ["u"]) throws -> GatewayConfig {
    let text =
        "version: 1\nlisteners: { l: unix:/l }\nauth: { open: { mode: none } }\nupstreams:\n"
        + upstreams.map { "  \($0): http://127.0.0.1:1\n" }.joined() + "routes:\n"
        + (0..<routes).map { "  - { path: /r\($0), auth: open, respond: {} }\n" }.joined()
        + upstreams.map { "  - { path: /u/\($0), auth: open, to: \($0) }\n" }.joined()
    let folder = TemporaryFolder()
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    return try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))").config
}

@Suite(.tags(.fast)) struct FigureRegistryTests {
    @Test func `a reload finds what was counted, by name`() throws {
        let registry = FigureRegistry()
        let first = registry.figures(of: try config(routes: 2, upstreams: ["a", "b"]), workers: 1)
        let gone = registry.figures(of: try config(routes: 0, upstreams: ["b"]), workers: 1)
        let back = registry.figures(of: try config(routes: 2, upstreams: ["a"]), workers: 1)
        #expect(first.routes[0] === gone.routes[0])
        #expect(first.routes[1] === back.routes[1])
        #expect(first.upstreams["a"] === back.upstreams["a"])
        #expect(gone.upstreams["a"] == nil)
        #expect(first.unrouted === back.unrouted)
        #expect(!first.routes.contains { $0 === first.unrouted })
    }

    @Test func `beyond a thousand names the rest is counted together`() throws {
        let set = FigureRegistry().figures(of: try config(routes: 1200), workers: 1)
        #expect(set.routes.count == 1201)
        #expect(set.allRoutes.count == FigureRegistry.namesMax + 1)
        #expect(set.routes[999] !== set.routes[1000])
        #expect(set.routes[1000] === set.routes[1199])
        let label = String(decoding: set.routes[1000].label.bytes, as: UTF8.self)
        #expect(label == FigureRegistry.otherLabel)
    }
}
