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
        // What the tree does not keep.
        "x:\n  Authorization: a\n  Authorization: s3cret\n", "x: { set: { a: b }, set: { a: s3cret } }\n",
        "x:\n  set:\n    <<: { a: s3cret }\n", "x: { set: { <<: [{ a: s3cret }] } }\n",
        "x: { Authorization: a, Authorization: { b: [s3cret] } }\n",
        "a: &a { b: s3cret }\nx: { set: { <<: *a }, set: *a }\n",
        // Names of variables that are none.
        "version: 1\nresolve_timeout: ${s3cret!}\n", "version: 1\nresolve_timeout: \"${s3cret\"\n",
        "version: 1\nresolve_timeout: ${s3cret:x}\n", "version: 1\nenv_file: a${s3 s3cret}\n",
        // By the key path, or by a name.
        "routes: [{ request_headers: { set: { X-A: s3cret }, kex: 1 } }]\n",
        "routes: [{ request_headers: { X-A: s3cret, kex: 1 } }]\n",
        "routes: [{ request_headers: { set: { X-A: { env: s3cret! } } } }]\n",
        "routes: [{ request_headers: { set: { X-A: { literal: s3cret } } } }]\n",
        "routes: [{ request_headers: { set: { X-A: [s3cret] } } }]\n",
        "routes: [{ request_headers: { set: { X-A: { env: { a: s3cret } } } } }]\n",
        "routes: [{ headers: { X-A: [s3cret], kex: false } }]\n",
        "x: { api_key: s3cret }\n", "x: { accessToken: s3cret }\n", "x: { db.Password: s3cret }\n",
        "x: { OPENAI_KEY: s3cret }\n", "x: { client-secret: { a: s3cret } }\n",
        // Keys, URLs, curl's way of saying it, comments.
        "routes: [{ request_headers: { set: { Authorization:s3cret } } }]\n", "x: { Bearer s3cret: 1 }\n",
        "x: { Bearer s3cret: 1, Bearer s3cret: 2 }\n", "x: \"Authorization: s3cret\"\n",
        "version: 1\nupstreams: { a: \"https://a/?key=s3cret\", b: \"a:s3cret@b\" }\n",
        "x: 1 # Authorization: s3cret\n", "x: ${API_KEY:-s3cret}\n",
        // Not YAML at all.
        "Authorization:\n  Bearer\n  s3cret: x\n", "set:\n  X-A: s3cret: x\n",
        "x: { set: { X-A: s3cret ]\n", "Authorization: *s3cret\n", "set: { X-A: *s3cret }\n",
        "a: b\nAuthorization: &s3cret s3cret *s3cret\n", "password:\n  - \"a\n  s3cret: ]\n",
    ])
    func `a secret in the file is never shown`(_ text: String) {
        let report = Self.shown(text)
        #expect(report.contains("error"))
        #expect(!report.contains("s3cret"), "\(report)")
        #expect(!renderJSON(read(text).diagnostics).contains("s3cret"))
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

    @Test(arguments: [
        "x: { Authorization: \"Bearer ${NAME}\" }", "x: { set: { a: \"${NAME}\" } }",
        "x: { tokenizer: NAME }",
        "routes: [{ request_headers: { set: { a: { env: NAME } } } }]", "x: { headers: { a: true, NAME: } }",
        "x: { request_headers: { remove: [NAME] } }", "x: { url: \"http://NAME.example:80/b\" }",
        "x: { key: NAME, task-NAME: basics }",
    ])
    func `what is no secret is shown`(_ text: String) {
        let excerpt = read(text + "\n").diagnostics.first?.excerpt
        #expect(excerpt == text)
    }

    @Test func `a secret in a comment of a long line is not shown`() {
        let report = Self.shown("version: 1\n" + "a: \"\(String(repeating: "y", count: 200))\" # sk-s3cret\n")
        #expect(report.contains("unknown key"))
        #expect(!report.contains("s3cret"))
    }

    @Test func `a reference to a secret is none`() {
        let report = Self.shown("version: 1\nx: { Authorization: { env: NAME } }\n")
        #expect(report.contains("{ env: NAME }"))
    }
}
