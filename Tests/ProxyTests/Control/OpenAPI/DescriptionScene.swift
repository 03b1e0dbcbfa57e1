import JSON
import Testing

@testable import Config
@testable import Proxy

/// The description of what a file offers.
struct DescriptionScene {
    let tree: JSONValue

    static let head = """
        version: 1
        listeners: { one: 127.0.0.1:1, two: 127.0.0.1:2 }
        stores: { main: { sqlite: s.db, at_rest: plain } }
        auth:
          open: { mode: none, ignore_credentials: true }
          apps: { mode: token-file, file: tokens.json }
          raw: { mode: token-file, file: others.json, schemes: raw }
          members: { mode: user-keys, store: main }
        limits: { few: { by: key, requests_per_minute: 5 } }
        models: { a: up, b: bare }
        upstreams: { up: "http://up.example/v1", bare: "http://up.example", deep: "http://up.example/api/v3" }
        routes:
          - { path: /openapi.json, auth: open, action: openapi }

        """

    /// - Parameter routes: an item each, without the dash.
    init(_ routes: String..., listener: String? = nil, host: HostConfig = .any) throws {
        let lines = routes.map { "  - { \($0) }\n" }.joined()
        try self.init(file: DescriptionScene.head + lines, listener: listener, host: host)
    }

    init(file: String, listener: String? = nil, host: HostConfig = .any) throws {
        let config = try DescriptionScene.config(file)
        guard case .action(let action) = config.routes[0].action, case .openapi(let info) = action.kind else {
            throw Unexpected("the first route is not the description")
        }
        let bytes = OpenAPIDescription.json(config, info, listener: listener, host: host)
        tree = try JSONValue.parse(bytes)
    }

    static func config(_ file: String) throws -> GatewayConfig {
        let folder = TemporaryFolder()
        let path = folder.write("headgate.yaml", file)
        // Why: the folder goes with the last use of it.
        let outcome = withExtendedLifetime(folder) { ConfigLoader(path: path).load() }
        return try #require(outcome.loaded?.config, "\(renderReport(outcome.diagnostics))")
    }

    var paths: [JSONValue.Member] { tree["paths"]?.members ?? [] }

    /// `GET /health`, in the order of the description.
    var operations: [String] {
        paths.flatMap { path in
            (path.value.members ?? []).map { "\($0.key.uppercased()) \(path.key)" }
        }
    }

    func operation(_ method: String, _ path: String) throws -> JSONValue {
        try #require(tree["paths"]?[path]?[method], "\(operations)")
    }

    var schemas: [String] { tree["components"]?["schemas"]?.members?.map(\.key) ?? [] }
}
