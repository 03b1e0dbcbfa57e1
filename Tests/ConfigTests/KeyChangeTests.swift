import Testing

@testable import Config

/// What differs between two versions of a file.
@Suite struct KeyChangeTests {
    private func document(_ text: String) throws -> ConfigDocument {
        try #require(ConfigDocument.parse(Array(text.utf8), file: "x.yaml").document)
    }

    private func changes(_ before: String, _ after: String) throws -> [String] {
        let found = try document(after).changes(
            at: [.key("it")], since: try document(before), at: [.key("it")])
        return found.map { "\($0.path): \($0.before ?? "-") → \($0.after ?? "-")" }
    }

    private static let table: [(before: String, after: String, wanted: [String])] = [
        ("it: { a: 1, b: 2 }", "it: { b: 2, a: 1 }", []),
        ("it: { a: 1 }", "it: { a: 2 }", ["a: 1 → 2"]),
        ("it: { a: 1, c: 3 }", "it: { a: 1, b: { x: 5s } }", ["b: - → -", "c: 3 → -"]),
        ("it: { a: { b: [1, 2] } }", "it: { a: { b: [1, 3] } }", ["a.b[1]: 2 → 3"]),
        ("it: { a: [x, y] }", "it: { a: [y] }", ["a: [x, y] → [y]"]),
        ("it: { a: x }", "it: { a: [x, y] }", ["a: x → [x, y]"]),
        ("it: { a: [{ b: 1 }] }", "it: { a: [{ b: 1 }, { b: 2 }] }", ["a: - → -"]),
        ("it: 127.0.0.1:1", "it: { bind: 127.0.0.1:1, max: 5 }", ["max: - → 5"]),
        ("it: { bind: 127.0.0.1:1, max: 5 }", "it: 127.0.0.1:1", ["max: 5 → -"]),
        ("it: 1", "it: { bind: 2 }", [": 1 → -"]),
        ("other: 1", "it: 1", [": - → 1"]),
        ("it: 1", "it: 2", [": 1 → 2"]),
    ]

    @Test(arguments: table) func `each key that differs is told`(
        before: String, after: String, wanted: [String]
    ) throws {
        #expect(try changes(before, after) == wanted)
    }

    @Test func `secrets are told of, and not shown`() throws {
        let before = "it: { key: sk-0123456789abcdef0123456789, set: { Authorization: Bearer abcdefgh } }"
        let after = "it: { key: sk-fedcba98765432100123456789, set: { Authorization: Bearer hgfedcba } }"
        #expect(try changes(before, after) == ["key: - → -", "set.Authorization: - → -"])
    }

    @Test func `entries of a list are compared wherever they stand`() throws {
        let before = try document("routes: [{ path: /a }, { path: /b, to: one }]")
        let after = try document("routes: [{ path: /b, to: two }, { path: /a }]")
        let found = after.changes(
            at: [.key("routes"), .index(0)], since: before, at: [.key("routes"), .index(1)])
        #expect(found == [KeyChange(path: "to", before: "one", after: "two")])
        #expect(after.keys == ["routes"])
    }

    @Test func `no more are told than are wanted`() throws {
        let (before, after) = (
            try document("it: { a: 1, b: 1, c: 1 }"), try document("it: { a: 2, b: 2, c: 2 }")
        )
        let found = after.changes(at: [.key("it")], since: before, at: [.key("it")], max: 2)
        #expect(found.map(\.path) == ["a", "b"])
    }
}
