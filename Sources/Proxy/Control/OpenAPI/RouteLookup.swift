import Config

/// Which route answers a path and a method, as far as the file alone can tell: the first that takes both.
/// Finds it as the route table does, by the whole path and by each distinct length of a fixed beginning, so
/// that ten thousand routes are described in no more than their own time.
struct RouteLookup {
    let routes: [RouteConfig]
    private var exact: [String: [Int]] = [:]
    private var prefixes: [String: [Int]] = [:]
    /// UTF-8 bytes; distinct.
    private let prefixLengths: [Int]

    /// - Parameter routes: in file order; what else than path and method they ask for is not looked at.
    init(_ routes: [RouteConfig]) {
        self.routes = routes
        for (index, route) in routes.enumerated() {
            switch route.path {
            case .exact(let path): exact[path, default: []].append(index)
            case .prefix(let path): prefixes[path, default: []].append(index)
            case .subtree(let path):
                if !path.isEmpty { exact[path, default: []].append(index) }
                prefixes[path + (path.isEmpty ? "" : "/"), default: []].append(index)
            }
        }
        prefixLengths = Set(prefixes.keys.map(\.utf8.count)).sorted()
    }

    /// Index into `routes`; nil: none takes both.
    func first(_ path: String, _ method: String) -> Int? {
        var found = exact[path] ?? []
        for length in prefixLengths where length <= path.utf8.count {
            // Paths of the file and of operations are ASCII, as all request paths are.
            found += prefixes[String(path.prefix(length))] ?? []
        }
        return found.filter { routes[$0].takes(method) }.min()
    }
}

extension RouteConfig {
    func takes(_ method: String) -> Bool {
        methods.isEmpty || methods.contains(method) || method == "HEAD" && methods.contains("GET")
    }
}

extension PathConfig {
    /// What the pattern fixes; `/` for all paths.
    var fixed: String {
        switch self {
        case .exact(let path), .prefix(let path): path
        case .subtree(let path): path.isEmpty ? "/" : path
        }
    }

    func matches(_ path: String) -> Bool {
        switch self {
        case .exact(let wanted): path == wanted
        case .prefix(let start): path.hasPrefix(start)
        case .subtree(let start): path == start || path.hasPrefix(start + "/")
        }
    }
}
