import Testing

@testable import CLI

/// `action: limits`: a client asks what it has left, and has as much left as before.
@Suite(.scenario) struct LimitsAction {
    private static let config = """
        auth:
          open: { mode: none }
          apps: { mode: env-key, variables: [KEY_A, KEY_B], match: any }
        env_file: gate.env
        limits:
          per-key: { by: key, requests_per_minute: 5, requests_per_day: 50, concurrent: 4 }
          per-ip: { by: ip, requests_per_hour: 3 }
          asking: { by: ip, requests_per_minute: 4 }
          everybody: { by: route, requests_per_day: 1000 }
        routes:
          - { path: /work, auth: apps, limits: [per-key, everybody], respond: { text: done } }
          - { path: /open, auth: open, limits: per-ip, respond: { text: done } }
          - { path: /limits, auth: [apps, open], action: limits }
          - { path: /asked, auth: apps, limits: asking, action: { name: limits, of: [per-key, asking] } }
        """

    private func start() throws -> Gate {
        let folder = try Folder()
        try folder.write("gate.env", "KEY_A=first-key\nKEY_B=second-key\n")
        return try Gate(Self.config, folder: folder)
    }

    private func bearer(_ key: String) -> [String] { ["Authorization: Bearer \(key)"] }

    /// `used` and `remaining` by name and key.
    private func ask(_ gate: Gate, _ path: String = "/limits", key: String? = nil) throws -> [String: [Int?]]
    {
        let response = try gate.exchange("GET", path, fields: key.map(bearer) ?? [])
        #expect(response.status == 200 && response["cache-control"] == "no-store")
        var found: [String: [Int?]] = [:]
        for limit in try response.json()["limits"]?.arrayValue ?? [] {
            let name = "\(limit["name"]?.stringValue ?? "")/\(limit["key"]?.stringValue ?? "")"
            found[name] = [limit["used"]?.integerValue, limit["remaining"]?.integerValue]
        }
        return found
    }

    @Test func `each caller is told of its own, and asking uses nothing`() throws {
        let gate = try start()
        for _ in 0..<3 {
            #expect(try gate.exchange("GET", "/work", fields: bearer("first-key")).status == 200)
        }
        #expect(try gate.exchange("GET", "/open").status == 200)
        for _ in 0..<3 {
            #expect(
                try ask(gate, key: "first-key") == [
                    "per-key/requests_per_minute": [3, 2], "per-key/requests_per_day": [3, 47],
                    "per-key/concurrent": [0, 4], "per-ip/requests_per_hour": [1, 2],
                    "asking/requests_per_minute": [0, 4],
                ])
        }
        #expect(try ask(gate, key: "second-key")["per-key/requests_per_minute"] == [0, 5])
        // Who comes without a key is an address in limits by key as well.
        #expect(try ask(gate)["per-ip/requests_per_hour"] == [1, 2])
    }

    @Test func `the route's own limits count the asking, and a refusal is told in the status`() throws {
        let gate = try start()
        for asked in 1...4 {
            let found = try ask(gate, "/asked", key: "first-key")
            #expect(found["asking/requests_per_minute"] == [asked, 4 - asked])
            #expect(found.count == 4)
        }
        #expect(try gate.exchange("GET", "/asked", fields: bearer("first-key")).status == 429)
        let status = try gate.requireStatus()
        let limits = try #require(status["limits"]?.arrayValue)
        #expect(limits.map { $0["refused"]?.integerValue } == [0, 0, 0, 0, 1, 0])
        #expect(limits[4]["name"] == "asking" && limits[4]["key"] == "requests_per_minute")
        #expect(limits[4]["max"] == 4 && limits[4]["worst_overshoot"] == 0)
        #expect(status["limit_subjects"] == 1)
        let text = try gate.headgate("status", "--admin", gate.adminPath).output
        #expect(text.contains("limit       asking requests_per_minute 4 by ip: 1 refused\n"))
        #expect(text.contains("limits      6 numbers; 1 count remembered\n"))
    }
}
