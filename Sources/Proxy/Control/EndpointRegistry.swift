import Config

/// Gives an unchanged endpoint the same `EndpointState` in every generation, so that its connections,
/// addresses and counts survive reloads. Generations own the states; the registry only remembers them while
/// one does.
final class EndpointRegistry {
    /// What makes two endpoints the same one.
    struct Identity: Hashable {
        let isTLS: Bool
        let host: String
        let port: UInt16
        /// nil for http.
        let tls: TLSContexts.Settings?
        let serverName: String?
    }

    struct Entry {
        let identity: Identity
        let state: EndpointState
    }

    private let contexts = TLSContexts()
    private var states = Remembered<Identity, EndpointState>()
    private var lastID = 0

    /// Every endpoint that some generation still names, in the order of their making.
    var living: [Entry] {
        states.living.map { Entry(identity: $0.key, state: $0.object) }.sorted { $0.state.id < $1.state.id }
    }

    /// - Parameter authorities: PEM of `tls.ca`; part of the identity, so that a renewed file is a new
    ///   endpoint.
    func entry(
        for url: EndpointURL, tls: TLSClientConfig, authorities: [UInt8]?
    ) throws(TLSContexts.Failure) -> Entry {
        let settings = TLSContexts.Settings(ca: authorities, verifies: !tls.insecureSkipVerify)
        let isTLS = url.scheme == .https
        let serverName = isTLS ? tls.serverName ?? url.host : nil
        let identity = Identity(
            isTLS: isTLS, host: url.host, port: url.port, tls: isTLS ? settings : nil, serverName: serverName)
        if let known = states[identity] { return Entry(identity: identity, state: known) }
        let context: TLSClientContext?
        if let serverName {
            context = try contexts.context(settings, serverName: serverName)
        } else {
            context = nil
        }
        lastID += 1
        let host = url.host.contains(":") ? "[\(url.host)]" : url.host
        let state = EndpointState(
            id: lastID, display: "\(url.scheme.rawValue)://\(host):\(url.port)", tls: context)
        states[identity] = state
        return Entry(identity: identity, state: state)
    }

    /// Forgets the endpoints that no generation names any more.
    func evict() {
        states.sweep()
        contexts.keep(only: Set(states.living.compactMap(\.key.tls)))
    }
}
