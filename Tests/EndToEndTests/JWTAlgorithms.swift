import Testing

@testable import CLI

/// Tokens of other makers, in every algorithm, and what is wrong with the rest.
@Suite(.scenario) struct JWTAlgorithms {
    private static let expected = "issuer: https://id.example, audience: [headgate, gate], leeway: 5s"
    private static let config = """
        auth:
          secret: { mode: jwt, algorithms: [HS256, HS384, HS512], secret: { file: secret }, \(expected) }
          staff:
            mode: jwt
            algorithms: [RS256, RS384, RS512, PS256, ES256, ES384, EdDSA]
            jwks: jwks.json
            issuer: https://id.example
            audience: [headgate, gate]
            leeway: 5s
          rsa: { mode: jwt, algorithms: [RS256], public_key: rsa.pem, \(expected) }
        routes:
          - { path: /secret, auth: secret, respond: { text: in } }
          - { path: /rsa, auth: rsa, respond: { text: in } }
          - { path: /**, auth: staff, respond: { text: in } }
        access_log: $FOLDER/access.log
        """

    private func start() throws -> (gate: Gate, tokens: ForeignTokens) {
        let folder = try Folder()
        let tokens = try ForeignTokens(folder)
        return (try Gate(Self.config, folder: folder), tokens)
    }

    /// S2-45
    @Test func `good ones come in, by the entry that has their key alone`() throws {
        let (gate, tokens) = try start()
        for (name, token) in tokens.good {
            let isShared = name.hasPrefix("HS")
            // Twice: the second is known already.
            for _ in 0..<2 {
                let own = try gate.response(to: token, at: isShared ? "/secret" : "/staff")
                #expect(own.status == 200, "\(name): \(String(decoding: own.body, as: UTF8.self))")
            }
            #expect(
                try gate.response(to: token, at: isShared ? "/staff" : "/secret").status == 401, "\(name)")
            let single = try gate.response(to: token, at: "/rsa")
            #expect(single.status == (name.hasPrefix("RS256") ? 200 : 401), "\(name)")
        }
        let record = try gate.record { $0["status"]?.integerValue == 200 }
        #expect(record["caller"]?.stringValue == "alice")
    }

    @Test func `bad ones stay out, and are all told the same`() throws {
        let (gate, tokens) = try start()
        for (name, token) in tokens.bad {
            // A single key has no name that a token could get wrong.
            let single = name == "kind of another key" ? [] : ["/rsa"]
            for path in ["/staff", "/secret"] + single {
                let response = try gate.response(to: token, at: path)
                #expect([401, 431].contains(response.status), "\(name) at \(path)")
                guard response.status == 401 else { continue }
                #expect(response["www-authenticate"]?.hasPrefix("Bearer") == true, "\(name)")
                #expect(try response.json()["error"]?["type"] == "authentication_error", "\(name)")
            }
        }
        let said = gate.process.errors + gate.folder.read("access.log")
        for (name, token) in tokens.bad + tokens.good {
            let signature = token.split(separator: ".").last.map(String.init) ?? token
            #expect(signature.utf8.count < 20 || !said.contains(signature), "\(name) is in a log")
        }
    }

    @Test func `each request of a connection is looked at by itself`() throws {
        let (gate, tokens) = try start()
        let client = try gate.connect()
        for (name, status) in [("RS256 PyJWT", 200), ("RS384 joserfc", 200)] {
            try client.send(
                gate.request(fields: ["Authorization: Bearer \(try tokens.token(name))"]))
            #expect(try client.readResponse().status == status)
        }
        try client.send(gate.request(fields: ["Authorization: Bearer a.b.c"]))
        #expect(try client.readResponse().status == 401)
        try client.send(gate.request())
        #expect(try client.readResponse().status == 401)
    }
}
