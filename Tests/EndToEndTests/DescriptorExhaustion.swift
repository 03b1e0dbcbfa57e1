import Testing

@testable import CLI

/// No descriptor left: neither a busy loop nor an end, and afterwards everything as before.
@Suite(.scenario) struct DescriptorExhaustion {
    @Test func `running out of descriptors neither spins nor kills`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try Gate(
            """
            process: { workers: 2 }
            upstreams: { up: \(upstream.url) }
            """, descriptors: 64)
        #expect(try gate.exchange().text == "x")
        var clients: [Connection] = []
        for _ in 0..<150 { clients.append(try gate.connect()) }
        try waitUntil("the descriptors to be used up") { gate.process.descriptorCount >= 60 }
        // Somebody wants to know how it is, too.
        let curious = try Connection(to: .unix(gate.adminPath))
        try curious.send("GET /status HTTP/1.1\r\nHost: a\r\n\r\n")
        let before = gate.process.cpuSeconds
        #expect(holds(for: 1.5) { gate.process.exitCode == nil })
        #expect(gate.process.cpuSeconds - before < (ChildProcess.isSanitized ? 1 : 0.4), "it spins")
        for client in clients { client.close() }
        curious.close()
        try waitUntil("an answer") {
            guard let connection = try? gate.connect() else { return false }
            defer { connection.close() }
            connection.patience = 2
            try connection.send(gate.request())
            return (try? connection.readResponse().status) == 200
        }
        for _ in 0..<20 { #expect(try gate.exchange().status == 200) }
        try waitUntil("descriptors as before") { gate.process.descriptorCount < 40 }
    }

    @Test func `a request for which no upstream connection can be opened is told so`() throws {
        let upstream = try ScriptedUpstream.saying("x")
        let gate = try Gate("process: { workers: 1 }\nupstreams: { up: \(upstream.url) }", descriptors: 64)
        var clients: [Connection] = []
        for _ in 0..<100 { clients.append(try gate.connect()) }
        try waitUntil("the descriptors to be used up") { gate.process.descriptorCount >= 60 }
        try clients[0].send(gate.request("POST", "/", body: "x"))
        let response = try clients[0].readResponse()
        #expect([200, 503].contains(response.status))
        if response.status == 503 { #expect(response.errorCode == "server_is_overloaded") }
    }
}
