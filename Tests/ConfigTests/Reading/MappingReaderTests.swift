import Testing

@testable import Config

@Suite struct MappingReaderTests {
    struct Pair: Equatable {
        var first: Int
        var second: Int?
        var third: Bool
        init(_ node: MappingReader) {
            first = node.required("first", .integer(1...9), "The first.")
            second = node.optional("second", .integer(1...9), "The second.")
            third = node.value("third", .bool, default: "true", "The third.")
        }
    }

    @Test func `keys are read, and those left out have their default`() throws {
        let pair = try #require(try value(.mapping(Pair.init), "{ first: 5 }").value)
        #expect(pair.first == 5 && pair.second == nil && pair.third)
    }

    @Test func `missing and unknown keys are told together`() throws {
        let diagnostics = try value(.mapping(Pair.init), "{ frist: 5, zzz: 1 }").diagnostics
        #expect(
            diagnostics.map(\.message) == [
                "`first` is missing in key", "unknown key `frist` in key", "unknown key `zzz` in key",
            ])
        #expect(
            diagnostics.map(\.hint) == [
                "did you mean `first` by `frist`?", "did you mean `first`?",
                "known keys: first, second, third",
            ])
    }

    struct Either: Equatable {
        var first: Int?
        init(_ node: MappingReader) {
            first = node.optional("first", .integer(1...9), "The first.")
            _ = node.optional("second", .integer(1...9), "The second.")
            node.requireAny(of: ["first", "second"])
        }
    }

    @Test func `of some keys at least one must be there`() throws {
        #expect(try value(.mapping(Either.init), "{ first: 5, second: 6 }").value?.first == 5)
        #expect(try value(.mapping(Either.init), "{ second: 6 }").diagnostics.isEmpty)
        let message = try value(.mapping(Either.init), "{}").diagnostics.map(\.message)
        #expect(message == ["`key` requires at least one of `first`, `second`"])
        #expect(MappingReader.describe(Either.init).schema.json["anyOf"]?.items.count == 2)
    }

    @Test func `the same initializer describes its keys`() {
        let description = MappingReader.describe(Pair.init)
        #expect(description.keys.map(\.name) == ["first", "second", "third"])
        #expect(description.required == ["first"])
        #expect(description.property("third")?.json["default"] == .bool(true))
        #expect(description.property("second")?.json["description"] == .string("The second."))
        #expect(description.schema.json["additionalProperties"] == .bool(false))
    }

    @Test func `a short form is read as its key`() throws {
        #expect(try value(.mapping(shortFor: "first", Pair.init), "7").value?.first == 7)
        #expect(
            try refusal(of: "x", as: .mapping(shortFor: "first", Pair.init)).message.hasPrefix(
                "`key.first` must be"))
        #expect(try refusal(of: "x", as: .mapping(Pair.init)).message == "`key` must be a mapping, found `x`")
    }
}
