import Config
import Glibc
import Testing

@testable import Proxy

/// The check of a file whose `access_log` is this.
private func check(_ accessLog: String, _ folder: TemporaryFolder) throws -> AccessLogCheck {
    let text =
        "version: 1\nlisteners: { one: 127.0.0.1:8000 }\nauth: { open: { mode: none } }\n"
        + "routes: [{ path: /, auth: open, respond: { text: x } }]\naccess_log: \(accessLog)\n"
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    let loaded = try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))")
    return AccessLogCheck(loaded, outcome.places)
}

@Test(arguments: ["off", "stdout", "./a.log", "{ to: ./b.log, format: text }", "/dev/null"])
private func `what can be opened is right`(accessLog: String) throws {
    let folder = TemporaryFolder()
    let check = try check(accessLog, folder)
    #expect(check.warnings() == [])
    #expect(check.errors() == [])
}

@Test func `only a start or a reload makes the file, and what it holds is kept`() throws {
    let folder = TemporaryFolder()
    let check = try check("./a.log", folder)
    #expect(check.warnings() == [])
    #expect(access(folder.path + "/a.log", F_OK) != 0)
    #expect(check.errors() == [])
    #expect(access(folder.path + "/a.log", F_OK) == 0)
    folder.write("a.log", "record\n")
    #expect(check.errors() == [])
    var status = stat()
    stat(folder.path + "/a.log", &status)
    #expect(status.st_size == 7)
}

@Test func `a file whose directory does not exist is said at its place`() throws {
    let folder = TemporaryFolder()
    let check = try check("./none/a.log", folder)
    let error = try #require(check.errors().first)
    #expect(error.severity == .error)
    #expect(error.message == "access_log.to: cannot open ./none/a.log: No such file or directory")
    #expect((error.line, error.column) == (5, 13))
    let warning = try #require(check.warnings().first)
    #expect(warning.severity == .warning)
    #expect(warning.message == "access_log.to: the directory of ./none/a.log does not exist")
    #expect((warning.line, warning.column) == (5, 13))
}

@Test func `a directory is no file`() throws {
    let folder = TemporaryFolder()
    mkdir(folder.path + "/logs", 0o700)
    let check = try check("{ to: ./logs }", folder)
    #expect(check.errors().map(\.message) == ["access_log.to: cannot open ./logs: Is a directory"])
    #expect(check.warnings().map(\.message) == ["access_log.to: ./logs is a directory, not a file"])
    #expect(check.errors().first?.column == 19)
}

@Test func `a pipe that nobody reads yet holds nobody up`() throws {
    let folder = TemporaryFolder()
    #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
    let check = try check("./pipe", folder)
    #expect(check.errors() == [])
    #expect(check.warnings() == [])
}
