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

/// Nobody has its key.
private let authority = """
    -----BEGIN CERTIFICATE-----
    MIIBdTCCARugAwIBAgIUU2ru0l7xzHMOndXB0Mjv0HFZJGgwCgYIKoZIzj0EAwIw
    DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjAyMjEwMDdaGA8yMTI2MTAyNzIyMTAw
    N1owDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNrz
    svRktgefC5nTUwkGNaIvy0mqeTaEXtqoYtuuNHKcKtWaUIYl7N8+q/ZVaP2TCqEI
    XKH6avKxg1rJCoS0FHSjUzBRMB0GA1UdDgQWBBR0gcQ6/FB4r1J1wxBP6uYdfpT/
    zzAfBgNVHSMEGDAWgBR0gcQ6/FB4r1J1wxBP6uYdfpT/zzAPBgNVHRMBAf8EBTAD
    AQH/MAoGCCqGSM49BAMCA0gAMEUCIAbHfq6f1B4o2hnBwdcjkt8vf+WhiNwuPAPj
    crDD3dg/AiEA6kF+ueS3tO2wrFtWwRqVmsl1Zt2VDD1r5OOy5JBNUaA=
    -----END CERTIFICATE-----
    """

@Test func `everything that the file names is read, and is what has to be watched`() throws {
    let folder = TemporaryFolder()
    folder.write("a.env", "B=1")
    folder.write("b.env", "B=2")
    folder.write("ca.pem", authority)
    folder.write("secret", "s")
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    let loaded = try #require(outcome.loaded, "\(renderReport(outcome.diagnostics))")
    let names = outcome.inputs.paths.map(Path.name)
    #expect(Set(names) == ["headgate.yaml", "a.env", "b.env", "ca.pem", "secret"])
    #expect(loaded.config.routes[0].requestHeaders.set[1].value == .literal("2"))
    #expect(loaded.authorities["ca.pem"] == Array(authority.utf8))
    #expect(InputFiles(reading: outcome.inputs.paths) == outcome.inputs)
    folder.write("secret", "t")
    #expect(InputFiles(reading: outcome.inputs.paths) != outcome.inputs)
}

@Test func `keys of upstreams and of before are read, those of a chain are not`() throws {
    let folder = TemporaryFolder()
    for name in ["a", "b"] { folder.write(name, "secret-" + name) }
    let file = """
        version: 1
        stores: { s: { sqlite: s.db, encryption_key: { file: a }, previous_encryption_keys: [{ file: b }, { file: NAME }] } }
        upstreams:
          one: { url: http://127.0.0.1:1, key: { file: a } }
          two: { url: http://127.0.0.1:2, key: { any_of: [{ file: b, weight: 2 }, { file: KEY }] } }
          three: { url: http://127.0.0.1:3, key: { first_of: [{ file: none }, { env: HEADGATE_NOT_SET }] } }

        """
    let good = file.replacing("KEY", with: "a").replacing("NAME", with: "a")
    let loaded = try #require(ConfigLoader(path: folder.write("headgate.yaml", good)).load().loaded)
    for (source, wanted) in [(TextSource.file("a"), "secret-a"), (.file("b"), "secret-b")] {
        #expect(String(decoding: loaded.secret(source).reveal(), as: UTF8.self) == wanted)
    }
    let bad = ConfigLoader(path: folder.write("bad.yaml", file)).load()
    let report = renderReport(bad.diagnostics)
    #expect(bad.loaded == nil && bad.diagnostics.count { $0.severity == .error } == 2, "\(report)")
    #expect(report.contains("stores.s.previous_encryption_keys[1]: cannot read"))
    #expect(report.contains("upstreams.two.key.any_of[1]: cannot read"))
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
    #expect(outcome.inputs.hasLost(since: nil))
}

@Test func `what is missing is said in the same run as what is wrong with the file itself`() {
    let folder = TemporaryFolder()
    folder.write("bad.pem", "pem")
    folder.write("lines", "a\nb")
    let set =
        "A: \"${NOPE_A}\", B: {env: NOPE_B}, C: {file: nope}, D: {credential: zz}, E: {}, F: {file: lines}"
    let text = """
        version: 1
        env_file: none.env
        listeners: { one: 127.0.0.1:8000 }
        auth: { open: { mode: none } }
        upstreams:
          api: { url: https://127.0.0.1:9000, tls: { ca: bad.pem } }
          two: { url: https://127.0.0.1:9000, tls: { ca: none.pem } }
        routes:
          - { path: /a, auth: open, to: api, kex: 1, request_headers: { set: { \(set) } } }
          - { path: /b, auth: nobody, to: two }
        """
    let outcome = ConfigLoader(path: folder.write("headgate.yaml", text)).load()
    let report = renderReport(outcome.diagnostics)
    #expect(outcome.loaded == nil)
    for wanted in [
        "env_file: cannot read none.env", "upstreams.api.tls.ca: bad.pem: holds no certificate in PEM form",
        "upstreams.two.tls.ca: cannot read none.pem", "unknown key `kex`", "variable `NOPE_A` is not set",
        "variable `NOPE_B` is not set", "set.C: cannot read", "set.D: credential zz",
        "auth `nobody` is not defined", "is missing in routes[0].request_headers.set.E",
        "set.F: the value holds a line break",
    ] { #expect(report.contains(wanted), "\(wanted) is not in:\n\(report)") }
    #expect(outcome.diagnostics.count == 11, "\(report)")
    #expect(Set(outcome.inputs.paths.map(Path.name)).isSuperset(of: ["bad.pem", "none.pem", "nope"]))
}

@Test func `a secret that was pasted where its place belongs is not repeated`() {
    let folder = TemporaryFolder()
    let set = "A: {file: sk-s3cret}, B: {credential: sk-s3cret}, C: {env: sk-s3cret}"
    let routes = "routes: [{ path: /a, auth: o, respond: {}, request_headers: { set: { \(set) } } }]"
    let check = ConfigCheck(path: folder.write("headgate.yaml", "version: 1\n\(routes)\n"))
    let report = renderReport(check.diagnostics)
    #expect(check.diagnostics.count { $0.message.contains("a value that is not shown") } == 3, "\(report)")
    #expect(!report.contains("s3cret"), "\(report)")
}

@Test func `a config file that is missing is said plainly`() {
    let folder = TemporaryFolder()
    let check = ConfigCheck(path: folder.path + "/none.yaml")
    #expect(!check.isGood)
    #expect(check.summary == nil)
    #expect(renderReport(check.diagnostics).contains("no such file"))
}
