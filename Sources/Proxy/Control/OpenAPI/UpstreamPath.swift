import Config

/// Where a path leads at an upstream: the same as `RoutePlan.writeTarget` makes of it on the wire, in text.
enum UpstreamPath {
    /// - Parameters:
    ///   - path: normalised, without escapes.
    ///   - basePath: of the upstream's URL.
    static func of(_ path: String, by route: RouteConfig, basePath: String) -> String {
        guard route.transform == .none else { return basePath + "/chat/completions" }
        let rest = stripped(path, route.stripPrefix ?? "")
        let added = route.addPrefix ?? ""
        let needsSlash = !rest.hasPrefix("/") && (basePath.isEmpty && added.isEmpty || !rest.isEmpty)
        let target = added + (needsSlash ? "/" : "") + rest
        let isDouble = basePath.hasSuffix("/v1") && (target == "/v1" || target.hasPrefix("/v1/"))
        return basePath + (isDouble ? String(target.dropFirst(3)) : target)
    }

    private static func stripped(_ path: String, _ prefix: String) -> String {
        guard !prefix.isEmpty, path.hasPrefix(prefix) else { return path }
        let rest = path.dropFirst(prefix.count)
        return rest.isEmpty || rest.hasPrefix("/") ? String(rest) : path
    }

    /// Where the API of an upstream begins: what its URL says, and `/v1` where that says nothing.
    static func root(_ basePath: String) -> String { basePath.isEmpty ? "/v1" : basePath }

    /// Beginnings of paths below which a client may find the whole API, likeliest first: each beginning of
    /// what the pattern fixes, with `/v1` and without.
    static func roots(of pattern: PathConfig) -> [String] {
        var segments = pattern.fixed.split(separator: "/").map { "/" + $0 }
        var roots: [String] = []
        while true {
            let root = segments.joined()
            roots += root.hasSuffix("/v1") ? [root] : [root + "/v1", root]
            guard segments.popLast() != nil else { return roots }
        }
    }
}
