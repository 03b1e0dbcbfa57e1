import Testing

@testable import Config

@Suite struct SecretContextTests {
    static func shown(_ text: String) -> String {
        renderReport(read("version: 1\n" + text + "\n").diagnostics)
    }

    /// `kex` is unknown, so that the line is shown.
    @Test(arguments: [
        "auth: { a: { mode: jwt, secret: s3cret, kex: 1 } }",
        "auth: { a: { mode: jwt, secret: [s3cret], kex: 1 } }",
        "auth: { a: { secret: 's3cret', kex: 1 } }", "auth: { a: { mode: jwt, secret: 53324242, kex: 1 } }",
        "auth: { a: { mode: jwt, secret: { value: s3cret }, kex: 1 } }",
        "auth: { a: { mode: jwt, secret: { env: s3cret! }, kex: 1 } }",
        "auth: { a: { mode: env-key, variables: s3-cret, kex: 1 } }",
        "auth: { a: { mode: env-key, variables: [A, s3-cret], kex: 1 } }",
        "auth: { a: { mode: env-key, variables: { a: s3cret }, kex: 1 } }",
        "auth: { a: { mode: jwt, public_key: \"-----BEGIN PRIVATE KEY-----s3cret\", kex: 1 } }",
        "auth: { api-key: s3cret }", "auth: { api-key: [s3cret] }", "limits: { per-key: s3cret }",
        "stores: { a: { sqlite: a, encryption_key: s3cret } }", "stores: { a: { encryption_key: [s3cret] } }",
        "stores: { a: { encryption_key: { text: s3cret } } }", "stores: { secret: s3cret, kex kex: 1 }",
        "routes: [{ action: { name: set-api-key, key: sk-s3cret, kex: 1 } }]",
        "routes: [{ action: { name: login, password: s3cret, kex: 1 } }]",
        "upstreams: { a: { key: s3cret, kex: 1 } }", "upstreams: { a: { key: [s3cret], kex: 1 } }",
        "upstreams: { api-key: { key: s3cret, kex: 1 } }",
        "upstreams: { a: { key: { value: s3cret }, kex: 1 } }",
        "upstreams: { a: { key: { any_of: [s3cret], kex: 1 } } }",
        "upstreams: { a: { key: { any_of: [{ env: s3cret! }], kex: 1 } } }",
        "upstreams: { a: { key: { first_of: [s3cret], kex: 1 } } }",
        "upstreams: { a: { key: { first_of: [{ provision: { key: s3cret, kex: 1 } }] } } }",
        "stores: { a: { sqlite: a, previous_encryption_keys: s3cret } }",
        "stores: { a: { sqlite: a, previous_encryption_keys: [s3cret] } }",
        "upstreams: { a: { kex: 1 } }   # key: s3cret",
        // Not YAML.
        "upstreams: { a: { key: s3cret ]", "upstreams: { a: { key: { any_of: [s3cret ] }",
        "stores: { a: { previous_encryption_keys: [s3cret }",
        "auth: { a: { mode: jwt, secret: s3cret ]", "stores: { a: { encryption_key: s3cret ]",
    ])
    func `a secret of an entry is never shown`(_ text: String) {
        let report = Self.shown(text)
        #expect(report.contains("error"))
        #expect(
            !report.contains("s3cret") && !report.contains("s3-cret") && !report.contains("53324242"),
            "\(report)")
    }

    @Test(arguments: [
        "auth: { a: { mode: jwt, secret: { env: NAME }, kex: 1 } }",
        "auth: { a: { mode: env-key, variables: [NAME], kex: 1 } }",
        "auth: { a: { mode: jwt, public_key: NAME, kex: 1 } }", "limits: { per-key: { by: NAME } }",
        "auth: { api-key: { mode: NAME } }", "stores: { a: { sqlite: a, password_cost: NAME } }",
        "stores: { keys-key: { sqlite: a, user_ids: NAME } }",
        "routes: [{ action: { name: login, key_name: NAME, kex: 1 } }]",
        "routes: [{ action: { name: register, password_min: NAME } }]",
        "upstreams: { a: { key_field: NAME } }", "upstreams: { a: { key: { min_length: NAME } } }",
        "upstreams: { a: { key: { any_of: [{ env: A, weight: NAME }] } } }",
        "upstreams: { a: { key: { first_of: [{ database: NAME }] } } }",
        "upstreams: { a: { key: { first_of: [{ provision: { timeout: NAME } }] } } }",
        "upstreams: { a: { key: { first_of: [{ env: NAME, kex: 1 }] } } }",
    ])
    func `what is no secret is shown`(_ text: String) { #expect(Self.shown(text).contains("NAME")) }
}
