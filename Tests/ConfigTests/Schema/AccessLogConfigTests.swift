import Testing

@testable import Config

@Suite struct AccessLogConfigTests {
    @Test(
        arguments: [
            ("off", nil), ("stdout", .init(destination: .stdout, format: .json)),
            ("/var/log/a", .init(destination: .file("/var/log/a"), format: .json)),
            ("{ format: text }", .init(destination: .stdout, format: .text)),
            ("{ to: ./a, format: json }", .init(destination: .file("./a"), format: .json)),
            ("journal", .init(destination: .journal, format: .json)),
            (
                "{ sample: 0%, slow: 2s, redact: [host, path] }",
                .init(
                    destination: .stdout, format: .json, samplePercent: 0, slow: .seconds(2),
                    redacted: [.path, .host])
            ), ("{ redact: client }", .init(destination: .stdout, format: .json, redacted: [.client])),
        ] as [(String, AccessLogConfig?)])
    func `every way of writing it is read`(_ text: String, _ wanted: AccessLogConfig?) throws {
        #expect(try config("version: 1\naccess_log: \(text)\n").accessLog == wanted)
    }

    @Test func `a word that is no destination is not quietly a file`() {
        #expect(firstError("version: 1\naccess_log: stdot\n")?.hint == "did you mean `stdout`?")
        #expect(
            firstError("version: 1\naccess_log: access.log\n")?.hint
                == "write `./access.log` for a file")
        #expect(read("version: 1\naccess_log: logs/\n").config == nil)
        #expect(firstError("version: 1\naccess_log: journl\n")?.hint == "did you mean `journal`?")
    }

    @Test func `a format of what the journal gets would be read by nobody`() {
        let error = firstError("version: 1\naccess_log: { to: journal, format: text }\n")
        #expect(error?.message == "`format` has no effect in access_log: the journal has fields")
    }
}
