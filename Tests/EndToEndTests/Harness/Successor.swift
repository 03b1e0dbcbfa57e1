import Glibc

@testable import CLI

/// A process that headgate has started to take over from it: not a child of the test, but ended with it.
final class Successor: Resource {
    let pid: pid_t

    init(pid: pid_t) {
        self.pid = pid
        Scenario.keep(self)
    }

    /// It runs, and is not merely waiting to be reaped.
    var isRunning: Bool {
        guard let text = readFile("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return false
        }
        return text[text.index(after: end)...].split(separator: " ").first != "Z"
    }

    func end() {
        guard isRunning else { return }
        kill(pid, SIGTERM)
        kill(pid, SIGINT)
        do {
            try waitUntil("the end of process \(pid)", within: 5) { !isRunning }
        } catch { kill(pid, SIGKILL) }
    }

}

extension Gate {
    /// `headgate upgrade`.
    func upgrade() throws -> Successor {
        let result = try headgate("upgrade", "--admin", adminPath, "--json")
        guard result.code == 0 else { throw Trouble("upgrade: \(result.output)\(result.errors)") }
        return Successor(pid: try servingProcess())
    }

    /// The process that answers `status`.
    func servingProcess() throws -> pid_t {
        guard let pid = try requireStatus()["pid"]?.integerValue else {
            throw Trouble("status names no process")
        }
        return pid_t(pid)
    }
}
