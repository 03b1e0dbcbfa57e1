import Glibc
import Testing

@testable import Proxy

private func daemon(_ option: String?, _ configured: String?, _ environment: [String: String]) -> String {
    AdminPath.forDaemon(
        option: option, configured: configured, configPath: "/etc/h/h.yaml", folder: "/etc/h",
        environment: environment)
}

private let all = [
    "HEADGATE_ADMIN": "/env.sock", "RUNTIME_DIRECTORY": "/run/h:/run/i", "XDG_RUNTIME_DIR": "/x",
]

@Test func `the daemon takes the first place that is named`() {
    #expect(daemon("/opt.sock", "/conf.sock", all) == "/opt.sock")
    #expect(daemon(nil, "/conf.sock", all) == "/env.sock")
    #expect(daemon(nil, "a.sock", ["RUNTIME_DIRECTORY": "/run/h"]) == "/etc/h/a.sock")
    #expect(daemon(nil, nil, ["RUNTIME_DIRECTORY": "/run/h:/run/i"]) == "/run/h/admin.sock")
    #expect(daemon(nil, nil, ["XDG_RUNTIME_DIR": "/x"]).hasPrefix("/x/headgate/"))
    #expect(daemon(nil, nil, [:]).hasPrefix("/tmp/headgate-\(geteuid())/"))
}

@Test func `whoever looks finds the daemon of the same file`() {
    let path = daemon(nil, nil, ["XDG_RUNTIME_DIR": "/x"])
    let found = AdminPath.candidates(
        option: nil, configPath: "/etc/h/h.yaml", isConfigNamed: true, environment: ["XDG_RUNTIME_DIR": "/x"])
    #expect(found == [path, "/run/headgate/admin.sock"])
    let other = AdminPath.candidates(
        option: nil, configPath: "/etc/h/other.yaml", isConfigNamed: false,
        environment: ["XDG_RUNTIME_DIR": "/x"])
    #expect(other.first == "/run/headgate/admin.sock")
    #expect(other.last != path)
}

@Test func `a place that is named is the only one`() {
    let byOption = AdminPath.candidates(option: "/a", configPath: "c", isConfigNamed: true, environment: all)
    #expect(byOption == ["/a"])
    let byVariable = AdminPath.candidates(option: nil, configPath: "c", isConfigNamed: true, environment: all)
    #expect(byVariable == ["/env.sock"])
}

@Test func `a folder below tmp that others may write to is refused`() {
    let folder = TemporaryFolder()
    chmod(folder.path, 0o777)
    #expect(throws: BindError.self) { try AdminPath.prepareFolder(of: folder.path + "/a.sock") }
    chmod(folder.path, 0o755)
    #expect(throws: Never.self) { try AdminPath.prepareFolder(of: folder.path + "/a.sock") }
}

@Test func `the socket's folder is made where it is missing, but not its parents`() throws {
    let folder = TemporaryFolder()
    try AdminPath.prepareFolder(of: folder.path + "/made/a.sock")
    var status = stat()
    #expect(lstat(folder.path + "/made", &status) == 0)
    #expect(status.st_mode & 0o777 == 0o700)
    #expect(throws: BindError.self) { try AdminPath.prepareFolder(of: folder.path + "/x/y/a.sock") }
}
