import Testing

@testable import JSON

private func parse(_ text: String, limitBytes: Int = 16 << 20) throws(JSONError) -> JSONValue {
    try JSONValue.parse(Array(text.utf8), limitBytes: limitBytes)
}

@Test func `a text becomes a tree in its order`() throws {
    let tree = try parse(#" {"b":[1,-2.50,"x",true,false,null],"a":{"é":{}},"c":[]} "#)
    #expect(
        tree
            == .object([
                .init(
                    "b",
                    .array([.integer(1), .number("-2.50"), .string("x"), .bool(true), .bool(false), .null])),
                .init("a", .object([.init("é", .object([]))])), .init("c", .array([])),
            ]))
}

@Test(arguments: [
    ("0", JSONValue.integer(0)), ("-1", .integer(-1)), ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number("9223372036854775808")),
    ("-9223372036854775809", .number("-9223372036854775809")), ("-0", .number("-0")), ("1.0", .number("1.0")),
    ("1e2", .number("1e2")),
])
func `numbers that do not fit are kept as written`(text: String, expected: JSONValue) throws {
    #expect(try parse(text) == expected)
}

@Test func `size is bounded`() throws {
    #expect(try parse("[1]", limitBytes: 3) == .array([.integer(1)]))
    #expect(throws: JSONError(.size, offset: 2)) { _ = try parse("[1]", limitBytes: 2) }
}

@Test func `depth is bounded at its maximum`() throws {
    let levels = JSONValue.depthMax
    let brackets = String(repeating: "[", count: levels)
    _ = try parse(brackets + String(repeating: "]", count: levels))
    #expect(throws: JSONError(.depth, offset: levels)) { _ = try parse(brackets + "[") }
}

@Test(arguments: [
    (#"{"a":1,"a":2}"#, 7), (#"{"a":1,"\u0061":2}"#, 7), (#"{"x":[{"a":{},"b":0,"a":[]}]}"#, 20),
    (#"{"":0,"":0}"#, 6), (#"{"é":1,"e\u0301":2}"#, 8),
])
func `a key that comes twice is refused`(text: String, offset: Int) {
    #expect(throws: JSONError(.duplicateKey, offset: offset)) { _ = try parse(text) }
}

@Test func `the same key in two objects is none that comes twice`() throws {
    _ = try parse(#"[{"a":1},{"a":{"a":2}}]"#)
}

@Test(arguments: ["", "{}x", "[1,]", #"{"a"}"#, "nul", #"{"a":1"#, "]", #"{"a":1,"b"#])
func `what the reader refuses is refused`(text: String) {
    #expect(throws: JSONError.self) { _ = try parse(text) }
}

@Test func `accessors give a value of their kind alone`() throws {
    let tree = try parse(#"{"t":"x","i":7,"b":false,"l":[1],"o":{"k":null},"n":1.5}"#)
    #expect(tree["t"]?.text == "x" && tree["t"]?.integer == nil)
    #expect(tree["i"]?.integer == 7 && tree["i"]?.bool == nil)
    #expect(tree["b"]?.bool == false && tree["b"]?.text == nil)
    #expect(tree["l"]?.items == [.integer(1)] && tree["l"]?.members == nil)
    #expect(tree["o"]?.members == [.init("k", .null)] && tree["o"]?.items == nil)
    #expect(tree["n"]?.integer == nil)
    #expect(tree["missing"] == nil && tree["t"]?["x"] == nil)
}

@Test func `a member is known by its octets`() throws {
    // The Kelvin sign is canonically a K.
    #expect(try parse(#"{"\u212aey":1}"#)["Key"] == nil)
    #expect(try parse(#"{"\u212aey":1}"#)["\u{212A}ey"] == .integer(1))
}
