import Testing

@testable import CLI

/// Many logins at once cost those who log in some waiting, and nobody else anything.
@Suite(.scenario) struct LoginFlood {
    private static let logins = 500
    /// For all of them: a second each in the gate, and what a build for tests on a busy machine takes
    /// besides.
    private static let patience = Duration.seconds(20)

    private static let config = """
        env_file: gate.env
        stores: { main: { sqlite: app.db, encryption_key: { env: MASTER_KEY }, password_cost: 10 } }
        auth: { open: { mode: none } }
        routes:
          - { path: /register, methods: POST, auth: open, action: { name: register, response: user } }
          - { path: /login, methods: POST, auth: open,
              action: { name: login, identity: email, issues: session } }
        """

    @Test func `each of 500 logins at once is let in, refused or told to come again`() throws {
        let scene = try ActionsScene(Self.config)
        let body = #"{"email": "ada@example.com", "password": "test123"}"#
        #expect(try scene.curl("$URL/register", "-d", body).status == 201)
        let gate = scene.gate
        let connections = try (0..<Self.logins).map { _ in try gate.connect() }
        defer { for connection in connections { connection.close() } }
        for (number, connection) in connections.enumerated() {
            let wrong = #"{"email": "ada@example.com", "password": "test124"}"#
            try connection.send(
                gate.request(
                    "POST", "/login", fields: ["Content-Type: application/json", "Connection: close"],
                    body: number % 2 == 0 ? body : wrong))
        }
        var counts: [Int: Int] = [:]
        let start = ContinuousClock.now
        for connection in connections {
            let answer = try connection.readResponse(to: "POST")
            counts[answer.status, default: 0] += 1
            if answer.status == 503 {
                #expect((answer.all("retry-after").first.flatMap { Int($0) } ?? 0) >= 1)
            }
        }
        #expect(ContinuousClock.now - start < Self.patience)
        #expect(counts.keys.allSatisfy { [200, 401, 503].contains($0) }, "\(counts)")
        #expect(counts.values.reduce(0, +) == Self.logins)
        #expect((counts[200] ?? 0) + (counts[401] ?? 0) >= 1, "\(counts)")
        #expect(try scene.curl("$URL/login", "-d", body).status == 200)
    }
}
