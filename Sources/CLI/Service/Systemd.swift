import Glibc

/// The commands of systemd that a service is installed with.
struct Systemd {
    /// Of the system that is changed: empty, or without a slash at its end.
    let prefix: String

    private var rootOption: [String] { prefix.isEmpty ? [] : ["--root=\(prefix)"] }

    /// - Throws: where nobody would take a unit over.
    func checkRunning() throws(ServiceError) {
        // sd_booted(3)
        guard prefix.isEmpty, access("/run/systemd/system", F_OK) != 0 else { return }
        throw ServiceError("systemd does not run here; --prefix DIR installs into a system that does not run")
    }

    func isActive(_ unit: String) -> Bool {
        (try? Subprocess.run(["systemctl", "--quiet", "is-active", unit]))?.code == 0
    }

    func control(_ words: String...) throws(ServiceError) { try control(words) }

    func control(_ words: [String]) throws(ServiceError) {
        let command = ["systemctl", "--quiet"] + rootOption + words
        let ended = try Subprocess.run(command)
        guard ended.code == 0 else {
            throw ServiceError(
                "`\(command.joined(separator: " "))` failed (exit \(ended.code))\n\(ended.output)")
        }
    }

    func makeUser(_ user: String, home: String) throws(ServiceError) {
        let line = "u \(user) - \"headgate reverse proxy\" \(home)"
        let ended = try Subprocess.run(["systemd-sysusers"] + rootOption + ["--inline", line])
        guard ended.code == 0 else { throw ServiceError("systemd-sysusers: \(ended.output)") }
    }

    /// What the unit has told the journal of errors since it was last started, a line each.
    func errors(of unit: String) -> String {
        let words = [
            "journalctl", "--quiet", "--no-pager", "-o", "cat", "-b", "-p", "err", "-n", "20", "-u", unit,
        ]
        guard let ended = try? Subprocess.run(words), ended.code == 0 else { return "" }
        return ended.output
    }

    /// How closed a unit is, as systemd-analyze(1) counts; nil: it cannot be told.
    func score(_ plan: ServicePlan) -> String? {
        var folder = Array("/tmp/headgate-XXXXXX".utf8CString)
        guard mkdtemp(&folder) != nil else { return nil }
        let path = String(decoding: folder.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let files = ServiceFiles(prefix: "")
        defer {
            unlink("\(path)/\(plan.unit)")
            rmdir(path)
        }
        guard
            (try? files.write("\(path)/\(plan.unit)", plan.unitText, mode: 0o644, owner: nil, replaces: true))
                != nil,
            let ended = try? Subprocess.run(
                ["systemd-analyze", "--no-pager", "security", "--offline=true", "\(path)/\(plan.unit)"])
        else { return nil }
        let last = ended.output.split(separator: "\n").last { $0.contains("exposure level") }
        return last.map { String($0.drop { !$0.isLetter }) }
    }
}
