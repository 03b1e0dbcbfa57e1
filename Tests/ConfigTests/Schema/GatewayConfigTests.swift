import Testing

@testable import Config

@Suite struct GatewayConfigTests {
    @Test func `the version is required and is 1`() {
        #expect(read("version: 1\n").config != nil)
        #expect(firstError("version: 2\n")?.hint == "this headgate reads version 1 of the format")
        #expect(firstError("listeners: {}\n")?.message == "`version` is missing")
        #expect(read("version: '1'\n").config == nil)
    }

    @Test func `an empty file of version 1 has the documented defaults`() throws {
        let config = try config("version: 1\n")
        #expect(config.process == ProcessConfig(workers: nil, admin: nil, drainTimeout: .seconds(10)))
        #expect(config.accessLog == AccessLogConfig(destination: .stdout, format: .json))
        #expect(config.resolveTimeout == .seconds(1))
        #expect(config.environmentFiles.isEmpty && config.trustedProxies.isEmpty && config.listeners.isEmpty)
    }

    @Test func `env_file is one or a list, and is never expanded`() {
        let document = { (text: String) in
            ConfigDocument.parse(Array("version: 1\n\(text)\n".utf8), file: "f").document
        }
        #expect(document("env_file: .env")?.environmentFiles == [.init(path: ".env")])
        #expect(document("env_file: [.env, b.env]")?.environmentFiles.map(\.path) == [".env", "b.env"])
        let optional = "env_file: [{ path: .env, optional: true }, b.env]"
        #expect(
            document(optional)?.environmentFiles == [
                .init(path: ".env", isOptional: true), .init(path: "b.env"),
            ])
        #expect(document("env_file: { path: .env, optional: yes }")?.environmentFiles == [])
        #expect(document("")?.environmentFiles == [])
        #expect(document("env_file: ${A}")?.environmentFiles == [])
        #expect(document("env_file: [a, 5]")?.environmentFiles == [])
        #expect(
            document("env_file: ${A}")?.read { _ in "x" }.diagnostics.contains {
                $0.keyPath == "env_file.path"
            }
                == true)
    }
}
