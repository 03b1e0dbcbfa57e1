import Glibc
import Synchronization

/// A process of the test's own: ended and reaped with the test. What it says goes to files.
final class ChildProcess: Resource {
    let pid: pid_t
    private let commandLine: String
    private let folder: Folder
    private let name: String
    /// It is about to be crashed on purpose, which then is no problem.
    private let mayCrash = Atomic<Bool>(false)
    /// The wait status, once reaped.
    private let status = Guarded<Int32?>(nil)

    private static let count = Atomic<Int>(0)
    /// How long an orderly end may take before SIGKILL.
    private static let endSeconds = 5.0

    /// - Parameters:
    ///   - arguments: the first is the path of the program, or its name in PATH.
    ///   - environment: `NAME=value`, beyond PATH, HOME and the sanitizers' options.
    init(
        _ arguments: [String], environment: [String] = [], in folder: Folder,
        standardInput: String = "/dev/null"
    ) throws {
        commandLine = arguments.joined(separator: " ")
        self.folder = folder
        name = "process-\(ChildProcess.count.add(1, ordering: .relaxed).newValue)"
        let (output, errors) = (folder("\(name).out"), folder("\(name).err"))
        pid = try Spawner.shared.run {
            try ChildProcess.spawn(
                Spawner.prefix + arguments, environment, output: output, errors: errors, input: standardInput)
        }
        Scenario.keep(self)
    }

    var output: String { folder.read("\(name).out") }
    var errors: String { folder.read("\(name).err") }

    /// The exit code; 128 + n where signal n ended it; nil while it runs.
    var exitCode: Int32? {
        status.withLock { status in
            if status == nil {
                var now: Int32 = 0
                if waitpid(pid, &now, WNOHANG) == pid { status = now }
            }
            return status.map { $0 & 0x7F == 0 ? $0 >> 8 & 0xFF : 128 + ($0 & 0x7F) }
        }
    }

    func send(_ signal: Int32) { if exitCode == nil { kill(pid, signal) } }

    func waitForExit(within seconds: Double = 30) throws -> Int32 {
        try waitFor("the end of `\(commandLine)`", within: seconds) { exitCode }
    }

    func end() {
        guard exitCode == nil else { return }
        kill(pid, SIGTERM)
        // Why twice: headgate takes the second for "at once".
        kill(pid, SIGINT)
        do {
            _ = try waitForExit(within: ChildProcess.endSeconds)
        } catch {
            kill(pid, SIGKILL)
            var final: Int32 = 0
            while waitpid(pid, &final, 0) < 0, errno == EINTR {}
            status.withLock { $0 = final }
        }
    }

    /// Sends its first thread a signal that stands for a fault of its own.
    ///
    /// Why not to the process: any thread might take it, also while another one already writes a backtrace.
    func crash(_ signal: Int32) throws {
        mayCrash.store(true, ordering: .relaxed)
        typealias Function = @convention(c) (pid_t, pid_t, Int32) -> Int32
        guard let tgkill = dlsym(nil, "tgkill") else { throw Trouble("the C library has no tgkill") }
        if exitCode == nil { _ = unsafeBitCast(tgkill, to: Function.self)(pid, pid, signal) }
    }

    /// A crash, or what a sanitizer has found.
    var problem: String? {
        if mayCrash.load(ordering: .relaxed) { return nil }
        let crashes = [SIGSEGV, SIGILL, SIGABRT, SIGBUS, SIGTRAP, SIGFPE].map { 128 + $0 }
        let hasCrashed = exitCode.map(crashes.contains) ?? false
        let marks = ["Sanitizer", "Fatal error", "Program crashed"]
        let errors = errors
        guard let first = marks.compactMap({ errors.firstRange(of: $0)?.lowerBound }).min() else {
            return hasCrashed ? "a process has crashed: \(story ?? "")" : nil
        }
        let complaint = errors[first...].prefix(4000)
        return "a process has crashed, or a sanitizer complains: \(complaint)\n\(story ?? "")"
    }

    /// The tests, and so the program beside them, are built with a sanitizer: memory and time say nothing.
    static let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil

    var story: String? {
        "$ \(commandLine)\n--- stdout\n\(tail(output))\n--- stderr\n\(tail(errors))\n--- exit: "
            + (exitCode.map(String.init) ?? "still running")
    }

    /// CPU seconds used so far, all threads.
    var cpuSeconds: Double {
        guard let text = readFile("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            return 0
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    var descriptorCount: Int {
        guard let folder = opendir("/proc/\(pid)/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) { if entry.pointee.d_name.0 != 0x2E { count += 1 } }
        return count
    }

    /// Resident memory in KiB.
    var residentKiB: Int {
        for line in (readFile("/proc/\(pid)/status") ?? "").split(separator: "\n")
        where line.hasPrefix("VmRSS:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        }
        return 0
    }

    private func tail(_ text: String) -> String {
        text.utf8.count > 6000 ? "…" + String(text.suffix(6000)) : text
    }

    private static func spawn(
        _ arguments: [String], _ extra: [String], output: String, errors: String, input: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Why: nobody inherits a signal that the test process ignores or blocks.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let names = ["PATH", "HOME", "LANG", "LSAN_OPTIONS", "TSAN_OPTIONS"]
        let kept = names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        return try withCStrings(arguments) { argv in
            try withCStrings(kept + extra) { environment in
                var pid = pid_t()
                let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, environment)
                guard code == 0 else { throw Trouble(errno: code, in: arguments[0]) }
                return pid
            }
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws -> Result
    ) rethrows -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        return try body(pointers)
    }
}

/// Runs a program to its end.
func run(
    _ arguments: [String], environment: [String] = [], in folder: Folder, within seconds: Double = 60
) throws -> (code: Int32, output: String, errors: String) {
    let process = try ChildProcess(arguments, environment: environment, in: folder)
    let code = try process.waitForExit(within: seconds)
    Scenario.forget(process)
    return (code, process.output, process.errors)
}
