import Config
import Stores

/// Who may ask for what over TCP. On the Unix socket everybody may, because only its owner can open it.
struct AdminAccess {
    let token: Secret
    /// `/metrics` without the token.
    let isMetricsOpen: Bool

    /// - Parameter authorization: value of the field; nil: none was sent.
    func hasToken(_ authorization: String?) -> Bool {
        guard let authorization else { return false }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return Secret(Array(parts[1].utf8)).isEqual(to: token)
    }

    func admits(_ request: AdminRequest, to access: AdminRoutes.Access) -> Bool {
        switch access {
        case .everybody: true
        case .metrics: isMetricsOpen || request.isTrusted
        case .token: request.isTrusted
        }
    }
}

/// `admin:` of a configuration, bound.
struct AdminPort {
    let socket: ListenerSockets.Bound
    let access: AdminAccess
}
