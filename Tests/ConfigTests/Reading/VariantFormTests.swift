import Testing

@testable import Config

@Suite struct VariantFormTests {
    enum Kind { case circle, box }
    struct Shape: Equatable {
        var radius = 0
        var width = 0
        var color = 0
        init(_ node: MappingReader, _ kind: Kind) {
            switch kind {
            case .circle: radius = node.required("radius", .integer(1...9), "The radius.")
            case .box: width = node.value("width", .integer(1...9), default: "3", "The width.")
            }
            color = node.value("color", .integer(0...9), default: "0", "The color.")
        }
    }
    static let variants = [
        Variant("circle", Kind.circle, "`circle`: round."), Variant("box", Kind.box, "`box`: not."),
    ]
    static var form: Form<Shape> { .variants(by: "kind", variants, Shape.init) }
    static var short: Form<Shape> { .variants(by: "kind", isShort: true, variants, Shape.init) }

    @Test func `one key decides what else is read`() throws {
        #expect(try value(Self.form, "{ kind: circle, radius: 5 }").value?.radius == 5)
        #expect(try value(Self.form, "{ kind: box, color: 2 }").value?.width == 3)
        #expect(try value(Self.form, "{ kind: '${K}' }", environment: ["K": "box"]).value?.width == 3)
    }

    @Test func `a key of another kind is told whose it is`() throws {
        let wrong = try refusal(of: "{ kind: box, radius: 5 }", as: Self.form)
        #expect(wrong.message == "unknown key `radius` in key")
        #expect(wrong.hint == "`radius` belongs to `kind: circle`")
        #expect(try refusal(of: "{ kind: box, wdith: 5 }", as: Self.form).hint == "did you mean `width`?")
        #expect(
            try refusal(of: "{ kind: box, zzz: 5 }", as: Self.form).hint == "known keys: kind, width, color")
    }

    @Test func `without a kind the keys of all of them are known`() throws {
        let missing = try value(Self.form, "{ radius: 5, width: 5, zzz: 1 }").diagnostics
        #expect(missing.map(\.message) == ["`kind` is missing in key", "unknown key `zzz` in key"])
        #expect(missing.last?.hint == "known keys: kind, radius, color, width")
        let wrong = try refusal(of: "{ kind: bx, width: 3 }", as: Self.form)
        #expect(wrong.message == "`key.kind` must be `circle` or `box`, found `bx`")
        #expect(wrong.hint == "did you mean `box`?")
    }

    @Test func `the word alone is enough where nothing else is needed`() throws {
        #expect(try value(Self.short, "box").value?.width == 3)
        #expect(try refusal(of: "circle", as: Self.short).message == "`radius` is missing in key")
        #expect(try refusal(of: "box", as: Self.form).message == "`key` must be a mapping, found `box`")
    }

    @Test func `the schema has an alternative for each word`() {
        let alternatives = Self.short.schema().json["anyOf"]?.items ?? []
        #expect(alternatives.count == 3)
        #expect(alternatives[0]["enum"]?.items == [.string("circle"), .string("box")])
        #expect(alternatives[1]["properties"]?.members.map(\.name) == ["kind", "radius", "color"])
        #expect(alternatives[1]["required"]?.items == [.string("kind"), .string("radius")])
        #expect(alternatives[2]["properties"]?.members.map(\.name) == ["kind", "width", "color"])
        #expect(alternatives.dropFirst().allSatisfy { $0["additionalProperties"] == .bool(false) })
    }
}
