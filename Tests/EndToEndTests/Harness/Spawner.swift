import CLinux
import Glibc
import Synchronization

/// The one thread that starts processes.
///
/// Why one that never ends: `setpriv --pdeathsig` ends a process together with the thread that started it, so
/// that a run of the tests that crashes or is killed leaves nothing behind.
final class Spawner: Sendable {
    static let shared = Spawner()

    /// Goes in front of a command line.
    static let prefix: [String] =
        access("/usr/bin/setpriv", X_OK) == 0 ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : []

    private let jobs = Guarded<[@Sendable () -> Void]>([])
    /// A pipe with a byte for each job.
    private let bell: (reading: Int32, ringing: Int32)

    private init() {
        var ends: [Int32] = [-1, -1]
        precondition(headgate_pipe(&ends) == 0, "pipe2")
        bell = (ends[0], ends[1])
        startBareThread { [self] in
            while true {
                var byte: UInt8 = 0
                guard read(bell.reading, &byte, 1) == 1 else { continue }
                let waiting = jobs.withLock { jobs in
                    defer { jobs = [] }
                    return jobs
                }
                for job in waiting { job() }
            }
        }
    }

    /// Runs it on that thread and waits for it.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        jobs.withLock { $0.append { outcome.result.withLock { $0 = Result { try body() } } } }
        guard write(bell.ringing, [1], 1) == 1 else { throw Trouble(errno: errno, in: "write to a pipe") }
        return try waitFor("a process to be started") { outcome.result.withLock { $0 } }.get()
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let result = Guarded<Result<Value, any Error>?>(nil)
    }
}
