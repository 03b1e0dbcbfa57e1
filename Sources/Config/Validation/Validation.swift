/// Relations between entries: names resolve, everything defined is used, nothing contradicts.
///
/// A check looks only at what was read without an error, so that one mistake gives one message.
struct Validation {
    let config: GatewayConfig
    let reading: Reading
    let upstreamTimeouts: [String: UpstreamTimeoutsConfig]

    init(_ config: GatewayConfig, _ reading: Reading) {
        self.config = config
        self.reading = reading
        let timeouts = config.upstreams.map { ($0.name, $0.timeouts) }
        upstreamTimeouts = Dictionary(timeouts, uniquingKeysWith: { first, _ in first })
    }

    func run() {
        checkReferences()
        checkUnused()
        checkBinds()
        checkOpenAccess()
        checkUpstreams()
        for route in config.routes { checkRoute(route) }
        RouteReach(config, reading).check()
    }

    // MARK: Names

    private func checkReferences() {
        let listeners = Defined("listener", "listeners", config.listeners.map(\.name))
        let auth = Defined("auth", "auth", config.auth.map(\.name))
        let upstreams = Defined("upstream", "upstreams", config.upstreams.map(\.name))
        for route in config.routes {
            let path = Self.path(of: route)
            check(route.listeners, in: listeners, at: .key(path, "listener"))
            check(route.auth, in: auth, at: .key(path, "auth"))
            if case .upstream(let name) = route.action {
                check([name], in: upstreams, at: .key(path, "to"), isList: false)
            }
        }
    }

    private struct Defined {
        let kind: String
        let section: String
        let names: [String]
        let set: Set<String>
        init(_ kind: String, _ section: String, _ names: [String]) {
            (self.kind, self.section, self.names, self.set) = (kind, section, names, Set(names))
        }
    }

    private func check(_ names: [String], in defined: Defined, at path: ConfigPath, isList: Bool = true) {
        var seen: Set<String> = []
        for (index, name) in names.enumerated() where !name.isEmpty && !reading.isFull {
            let place = isList ? reading.entryPath(path, index) : path
            guard reading.isSound(place) else { continue }
            if !seen.insert(name).inserted {
                reading.note(
                    .error, "\(shown(name, at: place)) is listed twice", at: reading.span(of: place),
                    path: place)
            }
            guard !defined.set.contains(name) else { continue }
            let list =
                defined.names.prefix(20).joined(separator: ", ") + (defined.names.count > 20 ? ", …" : "")
            let known = defined.names.isEmpty ? "`\(defined.section)` is empty" : "defined: \(list)"
            let hint = usesVariable(at: place) ? nil : Suggestion.hint(for: name, among: defined.names)
            let message = "\(defined.kind) \(shown(name, at: place)) is not defined (\(known))"
            reading.note(.error, message, hint: hint, at: reading.span(of: place), path: place)
        }
    }

    /// Why: a name may have come from a variable, or be a key put in the wrong place; neither is printed.
    private func shown(_ name: String, at path: ConfigPath) -> String {
        if usesVariable(at: path) { return "made from `${…}`" }
        let isSecret = reading.node(at: path).map(reading.mustHide) ?? false
        return isSecret ? "that is not shown" : Quoting.quoted(name)
    }

    func usesVariable(at path: ConfigPath) -> Bool {
        reading.node(at: path).map(reading.usesVariable) ?? false
    }

    private func checkUnused() {
        let routes = config.routes
        if config.listeners.isEmpty {
            warnMissing("listeners", "no listener is defined: nothing can connect")
        }
        if routes.isEmpty { warnMissing("routes", "no route is defined: every request gets 404") }
        // Why: a name that is misspelt where it is used would be called unused where it is defined.
        guard reading.isSound(.key(.root, "routes")) else { return }
        let auth = Set(routes.flatMap(\.auth))
        for entry in config.auth where !auth.contains(entry.name) { warnUnused("auth", entry.name) }
        let upstreams = Set(
            routes.compactMap { route in
                if case .upstream(let name) = route.action { name } else { nil }
            })
        for entry in config.upstreams where !upstreams.contains(entry.name) {
            warnUnused("upstreams", entry.name)
        }
        guard !routes.isEmpty, routes.allSatisfy({ !$0.listeners.isEmpty }) else { return }
        let listeners = Set(routes.flatMap(\.listeners))
        for entry in config.listeners where !listeners.contains(entry.name) {
            warnUnused("listeners", entry.name)
        }
    }

    private func warnMissing(_ key: String, _ message: String) {
        let path = ConfigPath.key(.root, key)
        guard reading.isSound(path) else { return }
        reading.note(.warning, message, at: reading.keySpan(of: path), path: path)
    }

    private func warnUnused(_ section: String, _ name: String) {
        guard !reading.isFull else { return }
        let path = ConfigPath.key(.key(.root, section), name)
        let kind = section == "auth" ? "auth" : String(section.dropLast())
        let message = "\(kind) \(Quoting.quoted(name)) is not used by any route"
        reading.note(.warning, message, at: reading.keySpan(of: path), path: path)
    }

    static func path(of route: RouteConfig) -> ConfigPath { .index(.key(.root, "routes"), route.index) }
}
