import Testing

@testable import CLI

/// An access log that cannot be written to is said before it is missed.
@Suite(.scenario) struct AccessLogCannotBeOpened {
    private static let routes = "routes: [{ path: /**, auth: open, respond: { text: x } }]\n"

    @Test func `a start fails and says where`() throws {
        let folder = try Folder()
        let text = Self.routes + "access_log: { to: ./none/access.log }\n"
        try folder.write("headgate.yaml", Gate.whole(text, try Address.free(), folder))
        let result = try run(
            [Gate.program, "run", "-c", folder("headgate.yaml"), "--admin", folder("a")], in: folder)
        #expect(result.code == 1, "not 78: what is missing may come")
        #expect(result.errors.contains("headgate.yaml:5:19: error: access_log.to: cannot open"), "\(result)")
        #expect(result.errors.contains("./none/access.log: No such file or directory"))
    }

    @Test func `a reload fails as a whole, and goes through once the directory is there`() throws {
        let gate = try Gate(Self.routes + "access_log: ./access.log")
        try gate.edit(Self.routes.replacing("text: x", with: "text: y") + "access_log: ./logs/access.log")
        let failed = try gate.reload()
        #expect(failed.code == 1)
        let said = failed.output + failed.errors
        #expect(said.contains("access_log.to: cannot open ./logs/access.log"), "\(said)")
        #expect(said.contains("still serving generation 1"))
        #expect(try gate.exchange().text == "x")
        #expect(try gate.record()["path"] == "/")
        try gate.folder.makeFolder("logs")
        #expect(try gate.reload().code == 0)
        #expect(try gate.exchange().text == "y")
        #expect(try gate.record("logs/access.log")["path"] == "/")
    }

    @Test func `check warns of a directory that does not exist, and makes nothing`() throws {
        let folder = try Folder()
        let text = Self.routes + "access_log: ./logs/access.log\n"
        try folder.write("headgate.yaml", Gate.whole(text, try Address.free(), folder))
        let check = [Gate.program, "check", folder("headgate.yaml")]
        let result = try run(check, in: folder)
        #expect(result.code == 0)
        #expect(result.output.hasPrefix("ok: "))
        #expect(result.errors.contains("warning: access_log.to: the directory of ./logs/access.log does not"))
        try folder.makeFolder("logs")
        #expect(try run(check, in: folder).errors == "")
        #expect(!folder.exists("logs/access.log"))
    }

    @Test func `status shows what is lost later, and why`() throws {
        let gate = try Gate(Self.routes + "access_log: /dev/full")
        #expect(try gate.requireStatus()["access_log"]?["last_error"] == .null)
        #expect(try gate.exchange().text == "x")
        try waitUntil("the loss") { try gate.requireStatus()["access_log"]?["lost"] == 1 }
        let status = try gate.requireStatus()["access_log"]
        #expect(status?["written"] == 0)
        #expect(status?["last_error"]?["text"] == "/dev/full: No space left on device")
        let text = try gate.headgate("status", "--admin", gate.adminPath).output
        #expect(text.contains("access log  0 records written, 1 lost, 0 dropped"), "\(text)")
        #expect(text.contains("/dev/full: No space left on device"))
    }
}
