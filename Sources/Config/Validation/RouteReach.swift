/// Finds routes that no request can reach because one earlier route takes all of theirs.
///
/// Only a single earlier route is looked at: several together are not proven to cover one.
/// Cost: per route, one look-up for each part of its path that is a pattern, times its host's and headers'
/// ways of being covered; not one comparison with every route before it.
struct RouteReach {
    private let config: GatewayConfig
    private let reading: Reading
    private let listenerNames: Set<String>

    /// Where an earlier route is found: by its path, its host and the first of its header conditions.
    private struct Key: Hashable {
        let path: PathConfig
        let host: HostConfig
        let header: HeaderMatchConfig?
    }

    /// Earlier routes of one key that are looked at, and keys that are looked up, at most: beyond that
    /// nothing is claimed, so that a strange file costs no more than a usual one.
    private static let sameKeyMax = 64
    private static let keysMax = 4096

    init(_ config: GatewayConfig, _ reading: Reading) {
        self.config = config
        self.reading = reading
        listenerNames = Set(config.listeners.map(\.name))
    }

    /// The routes seen so far, and which patterns occur among them.
    private struct Earlier {
        var routes: [Key: [RouteConfig]] = [:]
        var paths: Set<PathConfig> = []
        var hosts: Set<HostConfig> = []
        var prefixLengths: Set<Int> = []

        mutating func insert(_ route: RouteConfig) {
            if case .prefix(let start) = route.path { prefixLengths.insert(start.utf8.count) }
            paths.insert(route.path)
            hosts.insert(route.host)
            let key = Key(path: route.path, host: route.host, header: RouteReach.firstHeader(route))
            routes[key, default: []].append(route)
        }
    }

    func check() {
        var earlier = Earlier()
        for route in config.routes {
            guard reading.isSound(Validation.path(of: route)), !reading.isFull else { continue }
            if let other = firstCovering(route, in: earlier) {
                note(route, coveredBy: other)
            } else {
                earlier.insert(route)
            }
        }
    }

    private func note(_ route: RouteConfig, coveredBy other: RouteConfig) {
        let path = ConfigPath.key(Validation.path(of: route), "path")
        let line = reading.span(of: Validation.path(of: other)).start.line + 1
        let message =
            "routes[\(route.index)] is never reached: routes[\(other.index)] on line \(line) matches everything it does"
        reading.note(
            .error, message, hint: "move it up, or remove it", at: reading.span(of: path), path: path)
    }

    private func firstCovering(_ route: RouteConfig, in earlier: Earlier) -> RouteConfig? {
        let paths = Self.covering(route.path, earlier.prefixLengths).filter(earlier.paths.contains)
        let hosts = Self.covering(route.host).filter(earlier.hosts.contains)
        let headers = Self.coveringFirstHeaders(route)
        guard paths.count * hosts.count * headers.count <= Self.keysMax else { return nil }
        var best: RouteConfig?
        for path in paths {
            for host in hosts {
                for header in headers {
                    let key = Key(path: path, host: host, header: header)
                    let found = earlier.routes[key]?.prefix(Self.sameKeyMax).first { covers($0, route) }
                    if let found, found.index < best?.index ?? .max { best = found }
                }
            }
        }
        return best
    }

    /// Path and host are known to cover by how the route was found.
    private func covers(_ earlier: RouteConfig, _ later: RouteConfig) -> Bool {
        let listeners =
            earlier.listeners.isEmpty
            || (later.listeners.isEmpty ? listenerNames : Set(later.listeners)).isSubset(
                of: earlier.listeners)
        guard listeners else { return false }
        let headers = earlier.headers.allSatisfy { wanted in
            later.headers.contains {
                $0.name == wanted.name && (wanted.value == nil || wanted.value == $0.value)
            }
        }
        guard headers else { return false }
        if earlier.methods.isEmpty { return true }
        guard !later.methods.isEmpty else { return false }
        return later.methods.allSatisfy { method in
            // Why GET implies HEAD: a route for GET serves HEAD too (RFC 9110 §9.3.2).
            earlier.methods.contains(method) || method == "HEAD" && earlier.methods.contains("GET")
        }
    }

    /// Every pattern that matches all that `path` matches.
    static func covering(_ path: PathConfig, _ prefixLengths: Set<Int>) -> [PathConfig] {
        let text: String
        var found: [PathConfig] = [path]
        switch path {
        case .exact(let whole): text = whole
        case .prefix(let start): text = start
        case .subtree(let base): text = base
        }
        let bytes = Array(text.utf8)
        for length in prefixLengths where length <= bytes.count {
            found.append(.prefix(String(decoding: bytes[..<length], as: UTF8.self)))
        }
        // Why not a prefix pattern's own end: `/v1*` also takes `/v1x`, which is not below `/v1`.
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "/") {
            found.append(.subtree(String(decoding: bytes[..<index], as: UTF8.self)))
        }
        if case .exact = path { found.append(.subtree(text)) }
        found.append(.subtree(""))
        // `/**` takes every path, and so does `/*`.
        if case .subtree("") = path { found.append(.prefix("/")) }
        return found
    }

    static func covering(_ host: HostConfig) -> [HostConfig] {
        var found: [HostConfig] = [host, .any]
        let name: String
        switch host {
        case .any: return [.any]
        case .exact(let whole): name = whole
        case .suffix(let end): name = end
        }
        let bytes = Array(name.utf8)
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: ".") && index > 0 {
            found.append(.suffix(String(decoding: bytes[index...], as: UTF8.self)))
        }
        return found
    }

    fileprivate static func firstHeader(_ route: RouteConfig) -> HeaderMatchConfig? {
        route.headers.min { ($0.name, $0.value ?? "") < ($1.name, $1.value ?? "") }
    }

    /// What the first header condition of a covering route can be: none, or one that this route implies.
    private static func coveringFirstHeaders(_ route: RouteConfig) -> [HeaderMatchConfig?] {
        [nil] + route.headers.map { $0 }
            + route.headers.filter { $0.value != nil }.map { HeaderMatchConfig(name: $0.name, value: nil) }
    }
}
