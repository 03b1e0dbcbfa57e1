import Testing

@testable import Config

private func read(_ text: String) throws -> YAMLValue {
    try YAMLValue.parse(Array(text.utf8), file: "x.yaml")
}

@Test func `texts of other programs are read as these read them`() throws {
    let value = try read(
        """
        a: &base { x: 1, y: no, z: 20_000, w: 1.5e-07 }
        b: { <<: *base, x: 2 }
        c: [on, "yes", '1', null, 0x10, True]
        d: 1
        d: 2
        """)
    #expect(value["a"]?["x"]?.integer == 1 && value["a"]?["y"] == .bool(false))
    #expect(value["a"]?["z"] == .number("20000") && value["a"]?["w"]?.number == "1.5e-07")
    #expect(value["b"]?["x"]?.integer == 2 && value["b"]?["z"]?.integer == 20000)
    #expect(
        value["c"]?.items == [
            .bool(true), .text("yes"), .text("1"), .null, .number("16"), .bool(true),
        ])
    #expect(value["c"]?.items[2].integer == 1, "a number in quotes is one where one is asked for")
    #expect(value["d"]?.integer == 2, "the last one counts")
    #expect(value["none"] == nil && value["d"]?["x"] == nil && value["a"]?.text == nil)
}

@Test func `what cannot be read has a place, and nothing of it is quoted`() {
    for text in ["a: [sk-secret", "a: !!python/object sk-secret", "", "a: \u{1}sk-secret", "a: *sk-secret"] {
        do throws(YAMLValue.Failure) {
            _ = try YAMLValue.parse(Array(text.utf8), file: "x.yaml")
            Issue.record("\(text)")
        } catch {
            #expect(error.description.hasPrefix("x.yaml") && !error.description.contains("sk-secret"))
        }
    }
    #expect(throws: YAMLValue.Failure.self) {
        _ = try YAMLValue.parse([UInt8](repeating: 0x61, count: 5 << 20), file: "x.yaml")
    }
}
