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

@Test func `a folder that others may enter, a link or a file is not private`() {
    let folder = TemporaryFolder()
    #expect(AdminPath.isPrivate(folder.path))
    chmod(folder.path, 0o750)
    #expect(!AdminPath.isPrivate(folder.path))
    chmod(folder.path, 0o700)
    symlink(folder.path, folder.path + "/link")
    #expect(!AdminPath.isPrivate(folder.path + "/link"))
    #expect(!AdminPath.isPrivate(folder.write("file", "")))
    #expect(!AdminPath.isPrivate(folder.path + "/missing"))
}

@Test func `the socket's folder is made where it is missing`() throws {
    let folder = TemporaryFolder()
    try AdminPath.prepareFolder(of: folder.path + "/made/a.sock")
    #expect(AdminPath.isPrivate(folder.path + "/made"))
    #expect(throws: BindError.self) { try AdminPath.prepareFolder(of: folder.path + "/x/y/a.sock") }
}
