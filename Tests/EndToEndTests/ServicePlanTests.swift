// Covers ServicePlan.swift, ServiceTexts.swift, ServiceFiles.swift

import Glibc
import Testing

@testable import CLI

private func plan(_ line: String) -> Result<ServicePlan, ServiceError> {
    do throws(CommandLineError) {
        let words = "service install \(line)".split(separator: " ").map(String.init)
        let command = try CommandLineArguments.parse(words)
        return Result { () throws(ServiceError) in try ServicePlan(command) }
    } catch {
        return .failure(ServiceError(error.message))
    }
}

private func lines(_ plan: ServicePlan) -> Set<String> {
    Set(plan.unitText.split(separator: "\n").map(String.init))
}

@Test(arguments: [
    ("systemd/headgate.service", ServiceTexts.unit), ("systemd/headgate.yaml", ServiceTexts.config),
])
func `what service install writes is what comes with headgate`(path: String, text: String) {
    #expect(text == readFile("\(Project.path)/\(path)"), "\(path) and ServiceTexts.swift differ")
}

@Test func `an empty env file says the same, whoever has made it`() throws {
    let table = try #require(readFile("\(Project.path)/systemd/headgate.tmpfiles"))
    #expect(table.contains(" - " + ServiceTexts.environment.split(separator: "\n")[0] + "\\n\n"))
}

@Test func `the standard unit differs from the one that comes with headgate by the binary's place alone`() {
    let own = Set(ServiceTexts.unit.split(separator: "\n").map(String.init))
    let changed = lines(ServicePlan()).subtracting(own)
    #expect(
        changed == [
            "ExecStartPre=+/usr/local/bin/headgate bind --config /etc/headgate/headgate.yaml",
            "ExecStart=/usr/local/bin/headgate run --config /etc/headgate/headgate.yaml",
            "ExecReload=/usr/local/bin/headgate reload",
        ])
}

@Test(arguments: [
    (
        "--name edge",
        [
            "StateDirectory=edge", "RuntimeDirectory=edge", "SyslogIdentifier=edge", "User=headgate",
            "Group=headgate",
        ],
        ["StateDirectory=headgate"]
    ),
    ("--config /tmp/x.yaml", ["ConfigurationDirectory=headgate", "ProtectHome=yes"], []),
    (
        "--user nobody --directory /usr/share",
        ["User=nobody", "WorkingDirectory=/usr/share", "ReadWritePaths=/usr/share"],
        ["Group=headgate", "ConfigurationDirectory=headgate", "BindPaths=/usr/share"]
    ),
    (
        "--user nobody --directory /root", ["ProtectHome=tmpfs", "BindPaths=/root", "ReadWritePaths=/root"],
        ["ProtectHome=yes"]
    ),
])
func `a unit says what was asked for`(line: String, has: [String], hasNot: [String]) throws {
    let lines = lines(try plan(line).get())
    #expect(Set(has).subtracting(lines) == [])
    #expect(lines.intersection(hasNot) == [])
}

@Test func `places are named for the service, or are in its directory`() throws {
    let named = try plan("--name edge").get()
    #expect(named.config == "/etc/edge/headgate.yaml")
    #expect(named.configText.contains("file: /var/lib/edge/api_tokens.json"))
    let inFolder = try plan("--directory /usr/share").get()
    #expect(inFolder.config == "/usr/share/headgate.yaml")
    #expect(inFolder.environmentPath == "/usr/share/.env")
    #expect(inFolder.configText.contains("file: data/api_tokens.json"))
    #expect(!inFolder.isStandard)
    #expect(try !plan("--config /tmp/x.yaml").get().isStandard)
    #expect(ServicePlan().isStandard)
}

@Test(arguments: [
    "--name a/b", "--name a%b", "--user -x", "--name a$b", "--config /tmp/a\"b", "--config /nowhere/at/all",
])
func `a word that a unit would read in another way is refused`(line: String) {
    #expect(throws: ServiceError.self) { try plan(line).get() }
}

@Test(.scenario) func `files that are there keep their owner and mode, and others are not written over`()
    throws
{
    let folder = try Folder()
    let files = ServiceFiles(prefix: folder.path)
    #expect(try files.write("/etc/a", "one", mode: 0o640, owner: nil, replaces: false).hasSuffix("written"))
    #expect(try files.write("/etc/a", "two", mode: 0o640, owner: nil, replaces: false).hasSuffix("is there"))
    #expect(files.text("/etc/a") == "one")
    let owner: uid_t = geteuid() == 0 ? 65534 : geteuid()
    #expect(chown(folder("etc/a"), owner, getegid()) == 0)
    #expect(chmod(folder("etc/a"), 0o604) == 0)
    #expect(
        try files.write("/etc/a", "two", mode: 0o640, owner: nil, replaces: true).hasSuffix(
            "brought up to date"))
    #expect(files.text("/etc/a") == "two")
    var status = stat()
    #expect(stat(folder("etc/a"), &status) == 0)
    #expect(status.st_uid == owner)
    #expect(status.st_mode & 0o7777 == 0o604)
    #expect(try files.remove("/etc/a").hasSuffix("removed"))
    #expect(!files.isThere("/etc/a"))
}

@Test(.scenario) func `users of another system are found in its own list`() throws {
    let folder = try Folder()
    let files = ServiceFiles(prefix: folder.path)
    #expect(files.owner("headgate") == nil)
    #expect(mkdir(folder("etc"), 0o755) == 0)
    try folder.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nheadgate:x:999:998::/:/bin/false\n")
    #expect(files.owner("headgate") == ServiceFiles.Identity(user: 999, group: 998))
    #expect(files.owner("head") == nil)
}

@Test func `a program that is run tells its exit and what it said on both streams`() throws {
    let ended = try Subprocess.run(["sh", "-c", "echo one; echo two >&2; exit 3"])
    #expect(ended.code == 3)
    #expect(ended.output == "one\ntwo\n")
    #expect(try Subprocess.run(["sh", "-c", "kill -9 $$"]).code == 137)
    #expect(throws: ServiceError.self) { try Subprocess.run(["there-is-no-such-program"]) }
}

/// A service works in `/` where nobody says where, and nothing of what such a file means is there.
@Test func `a file that means the working directory needs one`() throws {
    let path = "\(Project.path)/examples/freegpt.yaml"
    guard case .failure(let error) = plan("-c \(path)") else {
        Issue.record("there is none")
        return
    }
    #expect(error.message.contains("relative_to: working_directory") && error.message.contains("--directory"))
    #expect(try plan("-c \(path) --directory /srv/freegpt").get().directory == "/srv/freegpt")
}
