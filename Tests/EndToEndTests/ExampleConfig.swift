import Testing

@testable import CLI

/// `config.example.yaml`: valid as it stands, and complete.
@Suite(.scenario) struct ExampleConfig {
    private static let path = "\(Project.path)/config.example.yaml"

    @Test func `the example is valid, without a warning`() throws {
        let result = try run([Gate.program, "check", Self.path], in: Folder())
        #expect(result.code == 0)
        #expect(result.errors == "", "\(result.errors)")
    }

    @Test func `the example names every key of the schema`() throws {
        let result = try run([Gate.program, "schema"], in: Folder())
        let schema = try MockJSONReader.read(Array(result.output.utf8))
        let example = try #require(readFile(Self.path))
        var keys: Set<String> = []
        collect(schema, into: &keys)
        #expect(keys.count > 50)
        let missing = keys.filter { key in !example.contains("\(key):") }
        #expect(missing.sorted() == [])
    }

    /// The names of all properties, at any depth.
    private func collect(_ schema: MockJSON, into keys: inout Set<String>) {
        switch schema {
        case .object(let members):
            for member in members {
                if member.name == "properties", case .object(let properties) = member.value {
                    for property in properties {
                        keys.insert(property.name)
                        collect(property.value, into: &keys)
                    }
                } else {
                    collect(member.value, into: &keys)
                }
            }
        case .array(let elements): for element in elements { collect(element, into: &keys) }
        case .null, .bool, .number, .string: break
        }
    }
}
