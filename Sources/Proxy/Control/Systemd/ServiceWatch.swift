import CLinux
import Glibc
import Stores

/// Tells the service manager what the supervisor does: that it is ready, reloads and stops, how many requests
/// run, and that its workers are alive.
final class ServiceWatch {
    let manager: ServiceManager
    private var watchdog: Watchdog?
    private var told = ""
    private(set) var isSilent = false
    private let complaints = LogGate(seconds: 60)

    /// Between two looks where there is no watchdog.
    private static let statusMilliseconds = 5000

    init(_ manager: ServiceManager, environment: [String: String] = Environment.ofProcess()) {
        self.manager = manager
        watchdog = manager.isThere ? Watchdog(environment: environment, processID: getpid()) : nil
    }

    /// Another process speaks for the service from now on.
    /// - Parameter successor: its process id.
    func handOver(to successor: Int32, _ status: String) {
        manager.tell(["MAINPID=\(successor)", "READY=1", "STATUS=\(status)"])
        isSilent = true
    }

    /// nil: nobody wants to know.
    var turnMilliseconds: Int? {
        guard manager.isThere, !isSilent else { return nil }
        return min(watchdog?.milliseconds ?? .max, ServiceWatch.statusMilliseconds)
    }

    func ready(_ status: String) {
        told = status
        manager.tell(["READY=1", "STATUS=\(status)"])
    }

    /// The files are read: `systemctl reload` waits until `ready`.
    func reloading() {
        manager.tell([
            "RELOADING=1", "MONOTONIC_USEC=\(headgate_monotonic_ns() / 1000)",
            "STATUS=Reading the files again",
        ])
    }

    /// - Parameter milliseconds: how long it may take.
    func stopping(_ status: String, within milliseconds: Int) {
        guard !isSilent else { return }
        told = status
        manager.tell(["STOPPING=1", "EXTEND_TIMEOUT_USEC=\(milliseconds * 1000)", "STATUS=\(status)"])
    }

    /// One turn of the clock.
    func turn(_ workers: WorkerPool, _ status: String) {
        guard !isSilent else { return }
        if status != told {
            told = status
            manager.tell(["STATUS=\(status)"])
        }
        // A worker that has finished, at a stop, has nothing left to answer.
        let answered = workers.handles.map {
            $0.hasFinished.load(ordering: .acquiring) ? .max : $0.beat.load(ordering: .relaxed)
        }
        guard let outcome = watchdog?.turn(answered: answered) else { return }
        if outcome.isWell {
            manager.tell(["WATCHDOG=1"])
        } else if complaints.admit(now: headgate_monotonic_ns()) != nil {
            Log.error("a worker does not answer; the service manager is not told that all is well")
        }
        if let next = outcome.next { workers.post(.beat(next)) }
    }
}
