import Testing

@testable import CLI

private func read(_ text: String) throws -> MockJSON { try MockJSONReader.read(Array(text.utf8)) }

@Test func `nested JSON is read as it is written`() throws {
    let value = try read(#" {"a":[1,-2.5,1e3,0],"b":{"c":true,"d":null},"e":""} "#)
    #expect(
        value == [
            "a": [1, .number(-2.5), 1000, 0], "b": ["c": true, "d": nil], "e": "",
        ])
    #expect(value.text == #"{"a":[1,-2.5,1000,0],"b":{"c":true,"d":null},"e":""}"#)
}

@Test func `escapes become the characters they stand for`() throws {
    #expect(try read(#""\"\\\/\b\f\n\r\t\u0041\uD83D\uDE00""#) == .string("\"\\/\u{8}\u{C}\n\r\tA😀"))
}

@Test func `what is written can be read again`() throws {
    let text = "quote \" backslash \\ line \n\r\t bell \u{7} zero \u{0} é 😀 \u{2028}"
    #expect(try read(MockJSON.string(text).text) == .string(text))
}

@Test(arguments: [
    "", " ", "{", "[1,]", #"{"a":1,}"#, #"{"a" 1}"#, "{a:1}", "[1 2]", "01", "-", "1.", ".5", "1e", "1e999",
    "+1",
    "tru", "nulll", "\"", "\"\n\"", #""\x""#, #""\u12G4""#, #""\uD800""#, #""\uDC00""#, #""\uD800\u0041""#,
    "1 1", "NaN",
])
func `a text that is not JSON is refused`(text: String) {
    #expect(throws: MockJSONError.self) { try read(text) }
}

@Test func `bytes that are not UTF-8 are refused`() {
    #expect(throws: MockJSONError.self) { try MockJSONReader.read([0x22, 0xC0, 0xAF, 0x22]) }
}

@Test func `nesting is bounded`() throws {
    func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try read(nested(MockJSONReader.depthMax))
    #expect(throws: MockJSONError.self) { try read(nested(MockJSONReader.depthMax + 1)) }
    #expect(throws: MockJSONError.self) { try read(String(repeating: "[", count: 1_000_000)) }
}

@Test func `the last of two members of one name counts`() throws {
    #expect(try read(#"{"a":1,"a":2}"#)["a"] == 2)
}
