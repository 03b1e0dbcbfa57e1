import CLinux
import Glibc
import Stores

/// The process that is to take over: this program's file as it is on disk now, with the same arguments.
struct ChildProcess {
    let processID: pid_t

    /// Where the child finds its end of the hand-over.
    static let descriptor: Int32 = 3
    static let variable = "HEADGATE_HANDOVER"
    /// What the parent's service manager and socket units have set for the parent alone.
    private static let ownVariables = [
        "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", variable,
    ]

    /// The program's file; read at the start, because a package manager replaces it later.
    static func ownPath() -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &bytes, bytes.count - 1)
        guard count > 0 else { return nil }
        return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The child has stdin, stdout and stderr, and one more descriptor.
    static func start(
        _ path: String, arguments: [String], handover: Int32
    ) throws(SystemError) -> ChildProcess {
        var environment = Environment.ofProcess().filter { !ownVariables.contains($0.key) }
        environment[variable] = "\(descriptor)"
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        // Why: a main process that is no child of systemd is killed at a stop, instead of waited for.
        if environment["NOTIFY_SOCKET"] != nil {
            let processID = headgate_start_sibling(path, &words, &variables, handover, descriptor)
            guard processID < 0 else { return ChildProcess(processID: processID) }
            guard errno == EINVAL else { throw SystemError(call: "clone \(path)", errno: errno) }
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, handover, descriptor)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var ignored = sigset_t()
        sigemptyset(&ignored)
        sigaddset(&ignored, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var processID = pid_t()
        let result = posix_spawn(&processID, path, &actions, &attributes, &words, &variables)
        guard result == 0 else { throw SystemError(call: "posix_spawn \(path)", errno: result) }
        return ChildProcess(processID: processID)
    }

    func kill() { _ = Glibc.kill(processID, SIGKILL) }

    /// For a process that has ended, or is about to.
    /// - Returns: how it ended, for people; nil: it has not, or the service manager was told that instead.
    func reap(waits: Bool) -> String? {
        var status: Int32 = 0
        var result: pid_t
        repeat {
            result = waitpid(processID, &status, waits ? 0 : WNOHANG)
        } while result < 0 && errno == EINTR
        guard result == processID else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? "exit \((status >> 8) & 0xFF)" : "signal \(signal)"
    }
}
