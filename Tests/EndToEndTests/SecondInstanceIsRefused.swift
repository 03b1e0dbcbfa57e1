import Testing

@testable import CLI

/// Two of them cannot have the same address: the second says so and ends, the first goes on.
@Suite(.scenario) struct SecondInstanceIsRefused {
    private static let config = "routes: [{ path: /**, auth: open, respond: { text: first } }]"

    @Test func `a second instance on a busy port exits and names the listener`() throws {
        let gate = try Gate(Self.config)
        try gate.folder.write("second.yaml", Gate.whole(Self.config, gate.address, gate.folder))
        let second = try run(
            [Gate.program, "run", "-c", gate.folder("second.yaml"), "--admin", gate.folder("second.sock")],
            in: gate.folder)
        #expect(second.code == 1)
        #expect(second.errors.contains("address already in use"))
        #expect(second.errors.contains("listeners.main") || second.errors.contains("main"))
        #expect(second.errors.contains(gate.address.authority))
        #expect(try gate.exchange().text == "first")
    }

    @Test func `a second instance with the same admin socket exits, and the first keeps it`() throws {
        let gate = try Gate(Self.config)
        let other = try Address.free()
        try gate.folder.write("second.yaml", Gate.whole(Self.config, other, gate.folder))
        let second = try run(
            [Gate.program, "run", "-c", gate.folder("second.yaml"), "--admin", gate.adminPath],
            in: gate.folder)
        #expect(second.code != 0)
        #expect(second.errors.contains(gate.adminPath))
        #expect(try gate.headgate("status", "--admin", gate.adminPath).code == 0)
    }

    @Test func `an admin socket left by a process that was killed is replaced`() throws {
        let folder = try Folder()
        let left = try Listener(.unix(folder("admin.sock")))
        left.close()
        let gate = try Gate(Self.config, folder: folder)
        #expect(try gate.generation() == 1)
    }
}
