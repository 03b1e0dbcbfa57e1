import Config
import Glibc
import Stores

/// `headgate bind`: what a unit runs as root before the daemon starts, which has no privileges. Binds the TCP
/// listeners of the file, leaves them in the service manager's descriptor store, and ends.
public enum SocketBinder {
    /// - Returns: the exit code. Where the file is wrong, 0: the daemon that starts next says so, and why.
    public static func run(configPath: String, settings: [ConfigSetting] = []) -> Int32 {
        let manager = ServiceManager()
        guard manager.isThere else {
            Log.writeReport(
                "headgate: `bind` is for ExecStartPre= of a systemd unit: NOTIFY_SOCKET is not set\n")
            return ExitCode.usage
        }
        guard let config = ConfigLoader(path: configPath, settings: settings).load().loaded?.config else {
            return ExitCode.success
        }
        let store = SocketStore(manager, inherited: [], environment: [:])
        var bound: [(address: BindAddress, descriptor: Int32)] = []
        for listener in config.listeners {
            guard case .ip(let host, let port) = listener.bind, port != 0 else { continue }
            do throws(BindError) {
                let numeric = host == "localhost" ? "127.0.0.1" : host
                bound.append((listener.bind, try ListenerSockets.bindIP(host: numeric, port: port)))
            } catch  where error.isAddressInUse {
                // At a restart the store has it already. Where somebody else has it the daemon says so.
                continue
            } catch {
                Log.writeReport("\(listener.bind.text): \(error)\n")
                return ExitCode.failure
            }
        }
        store.keep(bound)
        manager.waitUntilTaken()
        return ExitCode.success
    }
}
