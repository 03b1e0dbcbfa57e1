/// Listeners beside each other, and who reaches them.
extension Validation {
    func checkBinds() {
        var earlier: [ListenerConfig] = []
        for listener in config.listeners {
            let path = ConfigPath.key(.key(.root, "listeners"), listener.name)
            guard reading.isSound(path) else { continue }
            if let other = earlier.first(where: { Self.collide($0.bind, listener.bind) }) {
                let same = other.bind == listener.bind
                let message =
                    same
                    ? "listeners `\(other.name)` and `\(listener.name)` bind the same address"
                    : "listeners `\(other.name)` and `\(listener.name)` overlap: a wildcard or `localhost` covers the other's address"
                let bind = ConfigPath.key(path, "bind")
                reading.note(
                    .error, message, hint: "give one of them another port", at: reading.span(of: bind),
                    path: bind)
            }
            earlier.append(listener)
        }
        checkAdminBind()
    }

    private func checkAdminBind() {
        let path = ConfigPath.key(.key(.root, "admin"), "bind")
        guard let bind = config.admin?.bind, reading.isSound(.key(.root, "admin")) else { return }
        let taken = config.listeners.first { listener in
            reading.isSound(.key(.key(.root, "listeners"), listener.name))
                && Self.collide(listener.bind, bind)
        }
        guard let taken else { return }
        reading.note(
            .error, "listener `\(taken.name)` binds the same address", hint: "give one of them another port",
            at: reading.span(of: path), path: path)
    }

    /// Whether the kernel could not bind both. `[::]` takes IPv6 alone: listeners are bound with IPV6_V6ONLY.
    static func collide(_ left: BindAddress, _ right: BindAddress) -> Bool {
        switch (left, right) {
        case (.unix(let a), .unix(let b)): return a == b
        case (.ip(let a, let portA), .ip(let b, let portB)):
            guard portA == portB, portA != 0 else { return false }
            return a == b || covers(a, b) || covers(b, a)
        case (.unix, .ip), (.ip, .unix): return false
        }
    }

    private static func covers(_ wide: String, _ other: String) -> Bool {
        switch wide {
        case "::": other.utf8.contains(UInt8(ascii: ":")) || other == "localhost"
        case "0.0.0.0": !other.utf8.contains(UInt8(ascii: ":"))
        case "localhost": other == "127.0.0.1" || other == "::1"
        case _: false
        }
    }

    /// Open is explicit: `mode: none` beyond this machine needs `allow_open: true`.
    func checkOpenAccess() {
        var unsaid = Set(config.auth.filter { $0.mode.isOpenUnsaid }.map(\.name))
        for route in config.routes where !unsaid.isEmpty {
            guard let listener = exposure(of: route) else { continue }
            for name in route.auth where unsaid.remove(name) != nil {
                noteOpen(auth: name, listener: listener, route: route)
            }
        }
    }

    private func noteOpen(auth name: String, listener: String, route: RouteConfig) {
        let path = ConfigPath.key(.key(.root, "auth"), name)
        guard reading.isSound(path) else { return }
        let message =
            "auth `\(name)` has `mode: none` and routes[\(route.index)] serves it on listener "
            + "`\(listener)`, which is not loopback"
        let hint = "add `allow_open: true` to accept that, or bind 127.0.0.1"
        let mode = ConfigPath.key(path, "mode")
        reading.note(.error, message, hint: hint, at: reading.span(of: mode), path: mode)
    }

    /// A listener of the route that others than this machine can reach.
    func exposure(of route: RouteConfig) -> String? {
        if route.listeners.isEmpty { return exposed.first }
        return route.listeners.first { exposedSet.contains($0) }
    }

    static func exposed(_ config: GatewayConfig, _ reading: Reading) -> [String] {
        config.listeners.filter { listener in
            reading.isSound(.key(.key(.root, "listeners"), listener.name)) && !listener.bind.isLoopback
        }.map(\.name)
    }
}

extension AuthConfig.Mode {
    /// Lets everybody in without saying that this is meant.
    var isOpenUnsaid: Bool {
        switch self {
        case .none(let allowOpen, _): !allowOpen
        case .envKey, .tokenFile, .jwt, .userKeys: false
        }
    }
}
