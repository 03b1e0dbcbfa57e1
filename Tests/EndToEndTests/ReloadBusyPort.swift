import Testing

@testable import CLI

/// A reload that asks for a port of another process: nothing changes, not even the rest of it.
@Suite(.scenario) struct ReloadBusyPort {
    @Test func `a busy port fails the reload as a whole and names the listener`() throws {
        let busy = try ScriptedUpstream.saying("other")
        let free = try Address.free()
        let gate = try Gate("routes: [{ path: /**, auth: open, respond: { text: before } }]")
        let client = try gate.connect()
        try client.send(gate.request())
        #expect(try client.readResponse().text == "before")
        let descriptors = gate.process.descriptorCount
        try gate.edit(
            """
            listeners: { main: $LISTEN, free: "\(free)", taken: "\(busy.address)" }
            routes: [{ path: /**, auth: open, respond: { text: after } }]
            """)
        let result = try gate.reload()
        #expect(result.code == 1)
        let said = result.output + result.errors
        #expect(said.contains("address already in use"), "\(said)")
        #expect(said.contains("taken"))
        #expect(said.contains("headgate.yaml:"))
        #expect(said.contains("still serving generation 1"))
        try client.send(gate.request())
        #expect(try client.readResponse().text == "before")
        #expect(throws: Trouble.self) { _ = try gate.connect(to: free) }
        #expect(gate.process.descriptorCount <= descriptors)
        // Once the port is free, the same file is served.
        busy.end()
        #expect(try gate.reload().code == 0)
        #expect(try gate.exchange(at: busy.address).text == "after")
        #expect(try gate.exchange(at: free).text == "after")
    }
}
