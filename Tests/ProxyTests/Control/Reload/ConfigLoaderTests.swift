import Config
import Testing

@testable import Proxy

private let text = """
    version: 1
    env_file: [a.env, b.env]
    listeners: { one: 127.0.0.1:8000 }
    auth: { open: { mode: none } }
    upstreams: { api: { url: https://127.0.0.1:9000, tls: { ca: ca.pem } } }
    routes:
      - { path: /a, auth: open, to: api, request_headers: { set: { X-A: {file: secret}, X-B: "${B}" } } }
    """

@Test func `everything that the file names is read, and is what has to be watched`() throws {
    let folder = TemporaryFolder()
    folder.write("a.env", "B=1")
    folder.write("b.env", "B=2")
    folder.write("ca.pem", "pem")
    folder.write("secret", "s")
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    let loaded = try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))")
    let names = outcome.inputs.paths.map(Path.name)
    #expect(Set(names) == ["headgate.yaml", "a.env", "b.env", "ca.pem", "secret"])
    #expect(loaded.config.routes[0].requestHeaders.set[1].value == .literal("2"))
    #expect(loaded.authorities["ca.pem"] == Array("pem".utf8))
    #expect(InputFiles(reading: outcome.inputs.paths) == outcome.inputs)
    folder.write("secret", "t")
    #expect(InputFiles(reading: outcome.inputs.paths) != outcome.inputs)
}

@Test func `what is missing is said at its key, and is watched for`() {
    let folder = TemporaryFolder()
    folder.write("a.env", "B=1\noops\n1X=y")
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    let report = renderReport(outcome.diagnostics)
    #expect(outcome.loaded == nil)
    #expect(report.contains("a.env:2:1: error: the line has no `=`"))
    #expect(
        report.contains(
            "a.env:3:1: error: the line has a name before `=` that is not of letters, digits and `_`"))
    #expect(report.contains("headgate.yaml:2:19: error: env_file[1]: cannot read b.env: no such file"))
    #expect(report.contains("upstreams.api.tls.ca: cannot read ca.pem: no such file"))
    #expect(report.contains("routes[0].request_headers.set.X-A: cannot read"))
    #expect(outcome.inputs.paths.map(Path.name).contains("secret"))
    #expect(outcome.inputs.isAnyMissing)
}

@Test func `a config file that is missing is said plainly`() {
    let folder = TemporaryFolder()
    let check = ConfigCheck(path: folder.path + "/none.yaml")
    #expect(!check.isGood)
    #expect(check.summary == nil)
    #expect(renderReport(check.diagnostics).contains("no such file"))
}
