import Testing

@testable import Config

@Suite struct ConfigSchemaTests {
    @Test func `every key has a description`() {
        for entry in SchemaWalk.all(ConfigSchema.json(), at: "") {
            guard case .string(let text)? = entry.schema["description"] else {
                Issue.record("\(entry.path) has none")
                continue
            }
            #expect(text.hasSuffix(".") && text.utf8.count > 10, "\(entry.path)")
        }
    }

    @Test func `the text is the schema's, and refers only to what it defines`() {
        let text = ConfigSchema.jsonSchema()
        #expect(text.hasPrefix("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\""))
        #expect(text.hasSuffix("}\n"))
        #expect(ConfigSchema.json()["$defs"]?.members.map(\.name) == ["expansion"])
        #expect(ConfigSchema.json()["required"]?.items == [.string("version")])
    }

    /// The keys that the reader names when it meets one it does not know are the schema's of that place.
    @Test(arguments: [
        ("zzzzz: 1", ""), ("process: { zzzzz: 1 }", ".process"), ("access_log: { zzzzz: 1 }", ".access_log"),
        ("listeners: { a: { zzzzz: 1 } }", ".listeners"),
        ("listeners: { a: { timeouts: { zzzzz: 1 } } }", ".listeners.timeouts"),
        ("stores: { a: { zzzzz: 1 } }", ".stores"), ("auth: { a: { zzzzz: 1 } }", ".auth"),
        ("auth: { a: { mode: jwt, claims: { zzzzz: 1 } } }", ".auth.claims"),
        ("limits: { a: { zzzzz: 1 } }", ".limits"),
        ("limits: { a: { charge: { zzzzz: 1 } } }", ".limits.charge"), ("usage: { zzzzz: 1 }", ".usage"),
        ("models: { a: { zzzzz: 1 } }", ".models"),
        ("models: { a: { price: { zzzzz: 1 } } }", ".models.price"),
        ("routes: [{ action: { zzzzz: 1 } }]", ".routes.action"),
        ("upstreams: { a: { zzzzz: 1 } }", ".upstreams"),
        ("upstreams: { a: { timeouts: { zzzzz: 1 } } }", ".upstreams.timeouts"),
        ("upstreams: { a: { keep_alive: { zzzzz: 1 } } }", ".upstreams.keep_alive"),
        ("upstreams: { a: { tls: { zzzzz: 1 } } }", ".upstreams.tls"), ("routes: [{ zzzzz: 1 }]", ".routes"),
        ("routes: [{ timeouts: { zzzzz: 1 } }]", ".routes.timeouts"),
        ("routes: [{ cors: { zzzzz: 1 } }]", ".routes.cors"),
        ("routes: [{ respond: { zzzzz: 1 } }]", ".routes.respond"),
        ("routes: [{ request_headers: { zzzzz: 1 } }]", ".routes.request_headers"),
        ("routes: [{ request_headers: { set: { x: { zzzzz: 1 } } } }]", ".routes.request_headers.set"),
        ("routes: [{ response_headers: { zzzzz: 1 } }]", ".routes.response_headers"),
    ])
    func `schema and reader know the same keys`(_ text: String, _ path: String) throws {
        let unknown = try #require(
            read("version: 1\n\(text)\n").diagnostics.first { $0.message.contains("unknown key `zzzzz`") })
        let depth = path.split(separator: ".").count + 1
        var known: Set<String> = []
        let wanted = SchemaWalk.all(ConfigSchema.json(), at: "").map(\.path).filter {
            $0.hasPrefix(path + ".") && $0.split(separator: ".").count == depth
        }.compactMap { $0.split(separator: ".").last.map(String.init) }.filter { known.insert($0).inserted }
        #expect(unknown.hint == "known keys: " + wanted.joined(separator: ", "))
    }
}
