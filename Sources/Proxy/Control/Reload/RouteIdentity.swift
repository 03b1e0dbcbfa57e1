import Config

extension RouteConfig {
    /// `routes[3]`: what it is called in logs, answers and metrics.
    var label: String { "routes[\(index)]" }

    /// What a route is to a person: its conditions, in any order, and not where it stands or what it does.
    var identity: String {
        let fields = headers.map { $0.name + "=" + ($0.value ?? "*") }
        let parts = [methods, listeners, fields].flatMap { $0.sorted() + [""] }
        return ([path.text, host.text] + parts).joined(separator: "\n")
    }
}

// Why by hand: printing an enum walks its mirror, which takes a second for ten thousand routes.

extension PathConfig {
    fileprivate var text: String {
        switch self {
        case .exact(let path): path
        case .prefix(let path): path + "*"
        case .subtree(let path): path + "/**"
        }
    }
}

extension HostConfig {
    fileprivate var text: String {
        switch self {
        case .any: "*"
        case .exact(let host): host
        case .suffix(let suffix): "*" + suffix
        }
    }
}
