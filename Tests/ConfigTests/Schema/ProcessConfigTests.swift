import Testing

@testable import Config

@Suite struct ProcessConfigTests {
    @Test func `what needs a restart is read`() throws {
        let process = try config(
            "version: 1\nprocess: { workers: 2, admin: /run/a.sock, drain_timeout: 0s }\n"
        ).process
        #expect(process == ProcessConfig(workers: 2, admin: "/run/a.sock", drainTimeout: .zero))
        #expect(try config("version: 1\nprocess: { workers: auto }\n").process.workers == nil)
    }

    @Test(arguments: ["workers: 257", "workers: many", "admin: a.sock", "admin: /", "drain_timeout: off"])
    func `what cannot be is refused`(_ line: String) {
        #expect(read("version: 1\nprocess: { \(line) }\n").config == nil)
    }
}
