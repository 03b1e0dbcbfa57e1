import Config
import JSON

/// What the routes of one listener offer, as OpenAPI 3.1 says such things: built-in actions and fixed answers
/// as they are, and of routes to upstreams the operations of the OpenAI API that they let through. Where
/// several routes could take a request, the one that does is described. Left out are routes that ask for
/// header fields, and those of another host than the description's own.
struct OpenAPIDescription {
    private let config: GatewayConfig
    private let info: DescriptionConfig
    private let lookup: RouteLookup
    private var paths: [(path: String, operations: [JSONValue.Member])] = []
    private var indices: [String: Int] = [:]
    private var ids: Set<String> = []
    /// In order of their first use.
    private var schemes: [String] = []

    /// - Parameters:
    ///   - listener: name; nil: all that the routes have.
    ///   - host: of the route that serves the description.
    init(_ config: GatewayConfig, _ info: DescriptionConfig, listener: String?, host: HostConfig) {
        self.config = config
        self.info = info
        lookup = RouteLookup(
            config.routes.filter { route in
                let isHere = listener.map { route.listeners.isEmpty || route.listeners.contains($0) } ?? true
                return isHere && (route.host == .any || route.host == host) && route.headers.isEmpty
            })
    }

    /// The description, as bytes to send.
    static func json(
        _ config: GatewayConfig, _ info: DescriptionConfig, listener: String?, host: HostConfig = .any
    ) -> [UInt8] {
        var description = OpenAPIDescription(config, info, listener: listener, host: host)
        for index in description.lookup.routes.indices { description.add(index) }
        var json = JSONWriter()
        json.value(description.tree)
        return json.bytes + [UInt8(ascii: "\n")]
    }

    // MARK: Routes

    private mutating func add(_ index: Int) {
        let route = lookup.routes[index]
        switch route.action {
        case .action(let action):
            for operation in ActionDescription.operations(of: action, at: route.path) {
                add(operation, index)
            }
        case .respond(let answer): add(OpenAPIDescription.fixed(answer, route), index)
        case .upstream, .models: addPassed(index)
        }
    }

    private static func fixed(_ answer: RespondConfig, _ route: RouteConfig) -> DescribedOperation {
        let content: [(String, JSONValue)]
        switch answer.body {
        case .none: content = []
        case .text(let text): content = [("text/plain", .constant(.string(text)))]
        case .json(let text):
            let value = try? JSONValue.parse(Array(text.utf8))
            content = [("application/json", value.map { .constant($0) } ?? .object([]))]
        }
        return DescribedOperation(
            path: route.path.fixed, method: "", id: "respond", summary: "A fixed answer.", tag: "Gateway",
            answers: [DescribedOperation.answer(answer.status, "The answer.", content)])
    }

    private mutating func addPassed(_ index: Int) {
        let route = lookup.routes[index]
        if route.transform == .simpleChat {
            return add(PassedDescription.simpleChat(route, at: route.path.fixed), index)
        }
        let base = basePath(of: route)
        var isKnown = false
        for operation in OpenAIOperation.all {
            // What names no model that can be read leads nowhere here.
            if route.action == .models, operation.body != .json { continue }
            guard let path = PassedDescription.path(to: operation, by: route, basePath: base) else {
                continue
            }
            isKnown = true
            guard route.takes(operation.method) else { continue }
            add(PassedDescription.operation(operation, route, at: path), index)
        }
        guard !isKnown, case .exact(let path) = route.path else { return }
        add(PassedDescription.unknown(at: path), index)
    }

    /// Of the upstream; with `to: models`, of the first that a model leads to.
    private func basePath(of route: RouteConfig) -> String {
        let name: String
        if case .upstream(let upstream) = route.action {
            name = upstream
        } else {
            name = config.models.lazy.compactMap(\.targets.first?.upstream).first ?? ""
        }
        return config.upstreams.first { $0.name == name }?.endpoints.first?.url.basePath ?? ""
    }

    // MARK: Operations

    private mutating func add(_ operation: DescribedOperation, _ index: Int) {
        let route = lookup.routes[index]
        let own = operation.method.isEmpty ? route.describedMethods : [operation.method]
        for method in own {
            guard lookup.first(operation.path.sample, method) == index else { continue }
            put(operation, method, route)
        }
    }

    private mutating func put(_ described: DescribedOperation, _ method: String, _ route: RouteConfig) {
        var operation = described
        if method == "GET" || method == "DELETE" { operation.request = [] }
        operation.id = uniqueID(operation.id, operation.path)
        let security = security(of: route)
        let errors = ErrorSchemas.responses(of: route, needsCredential: !security.isEmpty)
        let tree = operation.tree(errors: errors, security: security)
        let place = indices[operation.path] ?? paths.count
        if place == paths.count {
            indices[operation.path] = place
            paths.append((operation.path, []))
        }
        let key = method.lowercased()
        guard !paths[place].operations.contains(where: { $0.key == key }) else { return }
        paths[place].operations.append(.init(key, tree))
    }

    private mutating func uniqueID(_ id: String, _ path: String) -> String {
        var candidate = id
        if ids.contains(candidate) {
            let words = path.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
            candidate += words.map { "_" + $0 }.joined()
        }
        var unique = candidate
        var number = 2
        while !ids.insert(unique).inserted {
            unique = "\(candidate)_\(number)"
            number += 1
        }
        return unique
    }

    // MARK: Security

    /// Empty: nobody is asked for a credential.
    private mutating func security(of route: RouteConfig) -> [JSONValue] {
        var requirements: [JSONValue] = []
        var isOpen = false
        for name in route.auth {
            guard let entry = config.auth.first(where: { $0.name == name }) else { continue }
            if case .none = entry.mode {
                isOpen = true
                continue
            }
            if !schemes.contains(name) { schemes.append(name) }
            requirements.append(.object([.init(name, .array([]))]))
        }
        guard !requirements.isEmpty else { return [] }
        return isOpen ? [.object([])] + requirements : requirements
    }

    private func scheme(_ name: String) -> JSONValue.Member {
        let entry = config.auth.first { $0.name == name }
        guard let entry, entry.takesBearer else {
            return .init(
                name,
                .object([
                    .init("type", .string("apiKey")), .init("in", .string("header")),
                    .init("name", .string("Authorization")),
                ]))
        }
        var members: [JSONValue.Member] = [
            .init("type", .string("http")), .init("scheme", .string("bearer")),
        ]
        if case .jwt = entry.mode { members.append(.init("bearerFormat", .string("JWT"))) }
        return .init(name, .object(members))
    }

    // MARK: The whole

    private var tree: JSONValue {
        var about: [JSONValue.Member] = [.init("title", .string(info.title))]
        if let description = info.description { about.append(.init("description", .string(description))) }
        about.append(.init("version", .string(info.version)))
        let paths = JSONValue.object(
            self.paths.map { .init($0.path, .object($0.operations)) })
        var components: [JSONValue.Member] = []
        let schemas = OpenAPIDescription.schemas(usedBy: paths)
        if !schemas.isEmpty { components.append(.init("schemas", .object(schemas))) }
        if !schemes.isEmpty { components.append(.init("securitySchemes", .object(schemes.map(scheme)))) }
        return .object([
            .init("openapi", .string("3.1.0")), .init("info", .object(about)),
            .init("servers", .array([.object([.init("url", .string("/"))])])), .init("paths", paths),
            .init("components", .object(components)),
        ])
    }

    /// With those that they refer to.
    private static func schemas(usedBy paths: JSONValue) -> [JSONValue.Member] {
        let all =
            ErrorSchemas.all + [.init("Token", ActionDescription.token)] + OpenAISchemas.all
        var used = paths.references
        var new = used
        while !new.isEmpty {
            let found = all.filter { new.contains($0.key) }.reduce(into: Set<String>()) {
                $0.formUnion($1.value.references)
            }
            new = found.subtracting(used)
            used.formUnion(found)
        }
        return all.filter { used.contains($0.key) }
    }
}

extension RouteConfig {
    /// Those that are described: HEAD and OPTIONS go without saying, and of a route that takes all GET stands
    /// for them.
    fileprivate var describedMethods: [String] {
        let known = ["GET", "PUT", "POST", "DELETE", "PATCH", "TRACE"]
        return methods.isEmpty ? ["GET"] : methods.filter { known.contains($0) }
    }
}

extension String {
    /// A path template with something in the place of its parameter, to be looked up by.
    fileprivate var sample: String {
        guard let start = firstIndex(of: "{") else { return self }
        return self[..<start] + "x"
    }
}
