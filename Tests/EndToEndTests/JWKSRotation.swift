import Glibc
import Testing

@testable import CLI

/// Keys that change: in a file, and at a URL that may be away.
@Suite(.scenario) struct JWKSRotation {
    private static func config(_ jwks: String) -> String {
        """
        auth:
          staff: { mode: jwt, algorithms: RS256, issuer: https://id.example, max_stale: 0s, \(jwks) }
        routes: [{ path: /**, auth: staff, respond: { text: in } }]
        """
    }

    /// Gives out `jwks.json` of its folder, at an address that stays the same.
    private final class KeyServer {
        let address: Address
        private let folder: Folder
        private var process: ChildProcess?

        init(_ folder: Folder) throws {
            address = try Address.free()
            self.folder = folder
            try start()
        }

        func start() throws {
            let parts = address.authority.split(separator: ":")
            let running = try ChildProcess(
                [
                    "python3", "-B", "-m", "http.server", "--bind", String(parts[0]), "-d", folder.path,
                    String(parts[1]),
                ], in: folder)
            process = running
            try waitUntil("the key server") {
                guard let connection = try? Connection(to: address) else { return false }
                connection.close()
                return true
            }
        }

        func stop() throws {
            process?.send(SIGKILL)
            _ = try process?.waitForExit()
        }
    }

    private func status(_ gate: Gate, _ token: String) throws -> Int { try gate.response(to: token).status }

    @Test func `a file with other keys counts as soon as it is there`() throws {
        let folder = try Folder()
        let tokens = try ForeignTokens(folder)
        let gate = try Gate(Self.config("jwks: jwks.json"), folder: folder)
        let old = try tokens.token("RS256 PyJWT")
        #expect(try status(gate, old) == 200)
        #expect(try status(gate, tokens.next) == 401)
        try folder.replace("jwks.json", with: folder.read("next.json"))
        #expect(try gate.reload().code == 0)
        #expect(try status(gate, tokens.next) == 200)
        #expect(try status(gate, old) == 401)
        // A set that is none keeps the keys that are served.
        try folder.replace("jwks.json", with: "{}")
        #expect(try gate.reload().code != 0)
        #expect(try status(gate, tokens.next) == 200)
    }

    @Test func `a URL is asked for the key that a token names`() throws {
        let folder = try Folder()
        let tokens = try ForeignTokens(folder)
        let server = try KeyServer(folder)
        let gate = try Gate(
            Self.config("jwks: \"http://\(server.address.authority)/jwks.json\""), folder: folder)
        let old = try tokens.token("RS256 PyJWT")
        #expect(try status(gate, old) == 200)
        try folder.replace("jwks.json", with: folder.read("next.json"))
        // The key is asked for by the first token that names it, and the token waits for that.
        #expect(try status(gate, tokens.next) == 200)
        #expect(try status(gate, old) == 401)
        #expect(try status(gate, try tokens.token("RS384 PyJWT")) == 401)
    }

    @Test func `a server that is away keeps nobody out who is known`() throws {
        let folder = try Folder()
        let tokens = try ForeignTokens(folder)
        let server = try KeyServer(folder)
        let gate = try Gate(
            Self.config("jwks: \"http://\(server.address.authority)/jwks.json\""), folder: folder)
        let known = try tokens.token("RS256 PyJWT")
        #expect(try status(gate, known) == 200)
        try server.stop()
        let away = try gate.response(to: tokens.next)
        #expect(away.status == 503)
        #expect(away["retry-after"] != nil)
        #expect(away.errorCode == "auth_backend_unavailable")
        #expect(try status(gate, known) == 200)
        // Its key is known, the token is not yet.
        #expect(try status(gate, try tokens.token("RS256 joserfc")) == 200)
        try folder.replace("jwks.json", with: folder.read("next.json"))
        try server.start()
        #expect(try waitFor("the new key", within: 30) { try status(gate, tokens.next) == 200 ? true : nil })
    }
}
