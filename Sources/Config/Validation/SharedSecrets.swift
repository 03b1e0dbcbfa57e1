/// One variable as what clients must send and as what an upstream is sent: whoever has the one secret has the
/// other, so that every client could go past the gateway.
struct SharedSecrets {
    private let config: GatewayConfig
    private let reading: Reading

    init(_ config: GatewayConfig, _ reading: Reading) {
        self.config = config
        self.reading = reading
    }

    func check() {
        let entries = config.auth.filter { entry in
            guard case .envKey = entry.mode, !entry.allowsSharedSecret else { return false }
            return reading.isSound(.key(.key(.root, "auth"), entry.name))
        }
        guard !entries.isEmpty else { return }
        let sent = sentUpstream()
        for entry in entries {
            guard case .envKey(let keys) = entry.mode else { continue }
            for (index, name) in keys.variables.enumerated() where !reading.isFull {
                if let path = sent[name] { note(name, index, entry, sentBy: path) }
            }
        }
    }

    /// Where variables first go upstream, by their names.
    private func sentUpstream() -> [String: ConfigPath] {
        var sent: [String: ConfigPath] = [:]
        for route in config.routes {
            guard route.action.proxies else { continue }
            let set = ConfigPath.key(.key(Validation.path(of: route), "request_headers"), "set")
            for assignment in route.requestHeaders.set {
                let path = ConfigPath.key(set, assignment.name)
                for name in variables(of: assignment.value, at: path) where sent[name] == nil {
                    sent[name] = path
                }
            }
        }
        for upstream in config.upstreams {
            for (source, path) in Validation.keySources(of: upstream) {
                for name in variables(of: source, at: path) where sent[name] == nil { sent[name] = path }
            }
        }
        return sent
    }

    private func variables(of source: TextSource, at path: ConfigPath) -> [String] {
        switch source {
        case .environment(let name): return [name]
        case .file, .credential: return []
        case .literal:
            guard case .scalar(let text, _)? = reading.node(at: path)?.kind else { return [] }
            return Expansion.names(in: text)
        }
    }

    private func note(_ name: String, _ index: Int, _ entry: AuthConfig, sentBy sender: ConfigPath) {
        let list = ConfigPath.key(.key(.key(.root, "auth"), entry.name), "variables")
        let path = reading.entryPath(list, index)
        let isShown = reading.node(at: path).map { !reading.usesVariable($0) } ?? true
        let message =
            "\(isShown ? "variable `\(name)`" : "a variable") of auth `\(entry.name)` is also sent upstream, by "
            + "`\(sender.text)`"
        reading.note(
            .error, message,
            hint: "clients would hold the upstream's key; use another, or say `allow_shared_secret: true`",
            at: reading.span(of: path), path: path)
    }
}
