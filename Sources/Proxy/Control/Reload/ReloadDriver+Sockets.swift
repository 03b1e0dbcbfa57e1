import Config
import Glibc

/// What a configuration binds: its listeners, and the port of `admin:`.
struct PreparedSockets {
    let listeners: ListenerSockets.Prepared
    let admin: ListenerSockets.Prepared
}

/// An address that cannot be bound.
struct SocketFailure: Error {
    let diagnostic: Diagnostic
}

extension ReloadDriver {
    /// Binds what is new aside.
    /// - Throws: the first address that cannot be bound. Then nothing of this call stays bound.
    func prepareSockets(
        _ config: GatewayConfig, _ places: DiagnosticPlaces
    ) throws(SocketFailure) -> PreparedSockets {
        let listeners: ListenerSockets.Prepared
        do throws(ListenerSockets.Failure) {
            listeners = try sockets.prepare(config.listeners)
        } catch {
            let steps: [ConfigStep] = [.key("listeners"), .key(error.listener), .key("bind")]
            throw SocketFailure(diagnostic: places.error(steps, error.message))
        }
        do throws(ListenerSockets.Failure) {
            let wanted = config.admin.map { [(name: "admin", bind: $0.bind)] } ?? []
            return PreparedSockets(listeners: listeners, admin: try adminSockets.prepare(at: wanted))
        } catch {
            sockets.rollBack(listeners)
            throw SocketFailure(diagnostic: places.error([.key("admin"), .key("bind")], error.message))
        }
    }

    func rollBack(_ prepared: PreparedSockets) {
        sockets.rollBack(prepared.listeners)
        adminSockets.rollBack(prepared.admin)
    }

    func commit(_ prepared: PreparedSockets) {
        sockets.commit(prepared.listeners)
        adminSockets.commit(prepared.admin)
    }

    func closeRemoved() {
        sockets.closeRemoved { workers.hand($0) }
        // Who had connected and was not answered comes again.
        adminSockets.closeRemoved { if case .take(let descriptor, _, _, _) = $0 { close(descriptor) } }
    }

    func adminPort(_ prepared: PreparedSockets, _ loaded: LoadedConfig) -> AdminPort? {
        guard let config = loaded.config.admin, let socket = prepared.admin.sockets.first else { return nil }
        let access = AdminAccess(
            token: loaded.secret(config.token), isMetricsOpen: config.metrics == .everybody)
        return AdminPort(socket: socket, access: access)
    }
}
