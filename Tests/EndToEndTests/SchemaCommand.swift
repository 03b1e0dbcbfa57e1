import Testing

@testable import CLI

/// `headgate schema`: for editors that complete and check.
@Suite(.scenario) struct SchemaCommand {
    @Test func `the schema is JSON and describes every section`() throws {
        let folder = try Folder()
        let result = try run([Gate.program, "schema"], in: folder)
        #expect(result.code == 0)
        #expect(result.errors == "")
        let schema = try MockJSONReader.read(Array(result.output.utf8))
        #expect(schema["$schema"]?.stringValue?.contains("json-schema.org") == true)
        let properties = try #require(schema["properties"])
        for key in [
            "version", "process", "env_file", "access_log", "trusted_proxies", "resolve_timeout", "listeners",
            "auth",
            "upstreams", "routes",
        ] {
            #expect(properties[key]?["description"]?.stringValue?.isEmpty == false, "\(key)")
        }
        #expect(schema["additionalProperties"] == false)
    }
}
