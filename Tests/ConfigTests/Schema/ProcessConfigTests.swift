import Testing

@testable import Config

@Suite struct ProcessConfigTests {
    @Test func `what needs a restart is read`() throws {
        let process = try config(
            "version: 1\nprocess: { workers: 2, admin: /run/a.sock, drain_timeout: 0s, body_memory: 16MiB }\n"
        ).process
        let wanted = ProcessConfig(
            workers: 2, admin: "/run/a.sock", drainTimeout: .zero, bodyMemoryBytes: 16 << 20)
        #expect(process == wanted)
        #expect(try config("version: 1\n").process.bodyMemoryBytes == 256 << 20)
        #expect(try config("version: 1\nprocess: { workers: auto }\n").process.workers == nil)
    }

    @Test(arguments: [
        "workers: 257", "workers: many", "admin: a.sock", "admin: /", "drain_timeout: off",
        "body_memory: 15MiB", "body_memory: off",
    ])
    func `what cannot be is refused`(_ line: String) {
        #expect(read("version: 1\nprocess: { \(line) }\n").config == nil)
    }
}
