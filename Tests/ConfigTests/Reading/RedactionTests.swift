import Testing

@testable import Config

@Suite struct RedactionTests {
    static func shown(_ text: String) -> String {
        renderReport(read(text).diagnostics)
    }

    @Test(arguments: [
        "version: 1\nx: { Authorization: s3cret, y: 1 }\n", "version: 1\nx: { AUTHORIZATION: 's3cret' }\n",
        "version: 1\nx: [Bearer s3cret]\n", "version: 1\nx: [sk-s3cret]\n",
        "version: 1\nx: https://a:s3cret@b/\n",
        "version: 1\nx: { Cookie: \"a\n  s3cret\", y: 1 }\n", "x: { Authorization: s3cret ]\n",
        "x: [Bearer s3cret\n",
        "x: {{ u: https://a:s3cret@b/ ]\n", "version: 1\nroutes: [{ auth: Bearer s3cret }]\n",
        "version: 1\nx-api-key: s3cret\nresolve_timeout: sk-s3cret\n",
    ])
    func `a secret in the file is never shown`(_ text: String) {
        let report = Self.shown(text)
        #expect(report.contains("error"))
        #expect(!report.contains("s3cret"), "\(report)")
    }

    @Test func `a secret in a long line after a syntax error is not shown either`() {
        for length in [10, 100, 200, 5000] {
            let filler = String(repeating: "y", count: length)
            let report = Self.shown("x: { Authorization: \"Bearer \(filler)s3cret\"]\n")
            #expect(report.contains("error"))
            #expect(!report.contains("s3cret"), "\(report)")
        }
    }

    @Test func `the rest of the line stays`() {
        let report = Self.shown("version: 1\nx: { Authorization: s3cret, yyy: 1 }\n")
        #expect(report.contains("x: { Authorization: ******, yyy: 1 }"))
    }

    @Test func `a reference to a secret is none`() {
        let report = Self.shown("version: 1\nx: { Authorization: { env: NAME } }\n")
        #expect(report.contains("{ env: NAME }"))
    }
}
