import Testing

@testable import Config

@Suite struct SchemaTests {
    @Test func `alternatives are flat and each is there once`() {
        let inner = Schema.anyOf([.boolean, .string])
        #expect(Schema.anyOf([inner, .boolean, .constant("off")]).json["anyOf"]?.items.count == 3)
    }

    @Test func `all but plain text may be an expansion`() {
        #expect(Schema.orExpansion(.string) == .string)
        #expect(
            Schema.orExpansion(.boolean).json["anyOf"]?.items.last?["$ref"] == .string("#/$defs/expansion"))
    }
}
