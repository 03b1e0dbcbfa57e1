import Glibc
import Testing

@testable import CLI

/// Upstreams by https: what users write first.
@Suite(.scenario) struct HTTPSUpstream {
    /// A certificate authority and a server that it vouches for, as `localhost`.
    private struct Setup {
        let folder: Folder
        let port: UInt16

        init() throws {
            folder = try Folder()
            try Self.openssl(
                in: folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2",
                "-subj", "/CN=test authority", "-keyout", folder("ca.key"), "-out", folder("ca.pem"))
            try Self.openssl(
                in: folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=localhost",
                "-keyout", folder("server.key"), "-out", folder("server.csr"))
            try folder.write("names", "subjectAltName=DNS:localhost,DNS:*.wild.example\n")
            try Self.openssl(
                in: folder, "x509", "-req", "-in", folder("server.csr"), "-CA", folder("ca.pem"), "-CAkey",
                folder("ca.key"),
                "-CAcreateserial", "-days", "2", "-extfile", folder("names"), "-out", folder("server.pem"))
            let server = try ChildProcess(
                [
                    "python3", "-B", "\(Project.path)/Tests/EndToEndTests/SDK/tls_server.py", "127.0.0.1",
                    folder("server.pem"), folder("server.key"),
                ], in: folder)
            port = try waitFor("the server's port") {
                if let code = server.exitCode {
                    throw Trouble("tls_server.py ended with \(code): \(server.errors)")
                }
                return server.output.split(separator: "\n").first.flatMap { UInt16($0) }
            }
        }

        private static func openssl(in folder: Folder, _ arguments: String...) throws {
            let result = try EndToEndTests.run(["openssl"] + arguments, in: folder)
            guard result.code == 0 else { throw Trouble("openssl \(arguments): \(result.errors)") }
        }

        /// A gate with one upstream.
        func gate(_ tls: String, host: String = "localhost") throws -> Gate {
            try Gate(
                """
                process: { workers: 1 }
                upstreams: { up: { url: "https://\(host):\(port)", tls: { \(tls) } } }
                access_log: $FOLDER/access.log
                """, folder: folder)
        }
    }

    @Test func `a certificate that the given authority signed is trusted`() throws {
        let gate = try Setup().gate("ca: ca.pem")
        let answer = try gate.exchange("POST", "/", body: "hello").json()
        #expect(answer["length"] == 5)
        #expect(answer["sni"] == "localhost")
        #expect(["TLSv1.2", "TLSv1.3"].contains(answer["version"]?.stringValue))
        let big = try gate.exchange("GET", "/big")
        #expect(big.body.count == 16 << 20)
        #expect(big.body.prefix(512) == ArraySlice((0..<512).map { UInt8($0 & 255) }))
        #expect(try gate.record()["upstream"]?.stringValue?.hasPrefix("https://localhost") == true)
    }

    @Test func `connections and sessions are reused`() throws {
        let gate = try Setup().gate("ca: ca.pem")
        for request in 1...3 {
            let answer = try gate.exchange().json()
            #expect(answer["connection"] == 0)
            #expect(answer["request"] == .integer(request))
        }
        #expect(try gate.exchange("GET", "/close").json()["connection"] == 0)
        let answer = try gate.exchange().json()
        #expect(answer["connection"] == 1)
        #expect(answer["session_reused"] == true)
    }

    @Test func `an authority that nobody trusts is refused`() throws {
        let setup = try Setup()
        let gate = try setup.gate("")
        for _ in 0..<2 {
            let response = try gate.exchange("POST", "/", body: "secret")
            #expect(response.status == 502)
            #expect(response.errorCode == "upstream_tls_failed")
        }
        #expect(try gate.record()["fault"] == "upstream")
    }

    @Test func `a certificate for another name is refused, unless that name is the one asked for`() throws {
        let setup = try Setup()
        func config(_ name: String) -> String {
            let tls = "{ ca: ca.pem, server_name: \(name) }"
            return "upstreams: { up: { url: \"https://127.0.0.1:\(setup.port)\", tls: \(tls) } }"
        }
        let wrong = try setup.gate("ca: ca.pem", host: "127.0.0.1")
        #expect(try wrong.exchange().errorCode == "upstream_tls_failed")
        try wrong.reconfigure(
            config("localhost")
        )
        #expect(try wrong.exchange().json()["sni"] == "localhost")
        try wrong.reconfigure(
            config("api.wild.example")
        )
        #expect(try wrong.exchange().json()["sni"] == "api.wild.example")
        try wrong.reconfigure(
            config("a.b.wild.example")
        )
        #expect(try wrong.exchange().errorCode == "upstream_tls_failed")
    }

    @Test func `insecure_skip_verify talks to anybody, and is warned about`() throws {
        let setup = try Setup()
        let gate = try setup.gate("insecure_skip_verify: true")
        #expect(try gate.exchange().json()["connection"] == 0)
        #expect(gate.process.errors.contains("insecure_skip_verify"))
        #expect(gate.process.errors.contains("warning"))
    }

    @Test func `an answer without a length is whole only where TLS says so`() throws {
        let gate = try Setup().gate("ca: ca.pem")
        #expect(try gate.exchange("GET", "/whole").text == "half")
        let client = try gate.connect()
        try client.send(gate.request("GET", "/truncate"))
        let rest = try client.readToEnd()
        let text = String(decoding: rest.bytes, as: UTF8.self)
        #expect(!text.contains("0\r\n\r\n"))
        #expect(text.contains("chunked") || rest.end == .reset)
    }

    @Test func `an upstream that does not speak TLS is a 502`() throws {
        let upstream = try ScriptedUpstream { connection in
            _ = try connection.wire.readSome()
            try connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        }
        let gate = try Gate("upstreams: { up: \"https://\(upstream.address.authority)\" }")
        #expect(try gate.exchange().errorCode == "upstream_tls_failed")
    }

    @Test func `an authority whose file changes is read again`() throws {
        let setup = try Setup()
        let ca = setup.folder.read("ca.pem")
        try setup.folder.write("trusted.pem", ca)
        let other = try Setup()
        try setup.folder.replace("trusted.pem", with: other.folder.read("ca.pem"))
        let gate = try setup.gate("ca: trusted.pem")
        #expect(try gate.exchange().errorCode == "upstream_tls_failed")
        try setup.folder.replace("trusted.pem", with: ca)
        try waitUntil("the authority to be trusted") { try gate.exchange().status == 200 }
    }
}
