import Testing

@testable import JSON

private func written(_ tree: JSONValue, indent: Int? = nil) -> String {
    var writer = JSONWriter(indent: indent)
    writer.value(tree)
    return writer.text
}

@Test(arguments: [
    ("", ""), ("plain", "plain"), ("a\"b\\c/d", #"a\"b\\c/d"#), ("\u{8}\u{C}\n\r\t", #"\b\f\n\r\t"#),
    ("\0\u{1}\u{F}\u{10}\u{1F}\u{7F}", #"\u0000\u0001\u000f\u0010\u001f"# + "\u{7F}"),
    ("é€😀\u{2028}", "é€😀\u{2028}"),
])
func `strings escape what they must`(text: String, expected: String) {
    #expect(written(.string(text)) == "\"\(expected)\"")
    #expect(written(.object([.init(text, .null)])) == "{\"\(expected)\":null}")
}

@Test func `compact is one line without blanks`() {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("text", "x")
    writer.member("none", nil)
    writer.member("number", -7)
    writer.member("flag", true)
    writer.key("list")
    writer.beginArray()
    writer.value(1)
    writer.value("two")
    writer.value(nil)
    writer.value(false)
    writer.beginObject()
    writer.endObject()
    writer.endArray()
    writer.key("tree")
    writer.value(JSONValue.array([.object([.init("k", .number("1.5"))]), .array([])]))
    writer.endObject()
    let expected =
        #"{"text":"x","none":null,"number":-7,"flag":true,"list":[1,"two",null,false,{}],"#
        + #""tree":[{"k":1.5},[]]}"#
    #expect(writer.text == expected)
    #expect(writer.bytes == Array(expected.utf8))
}

@Test func `indented has one item a line`() {
    let tree = JSONValue.object([
        .init("a", .array([.integer(1), .object([.init("b", .null)])])), .init("c", .object([])),
        .init("d", .array([])),
    ])
    #expect(
        written(tree, indent: 2) == """
            {
              "a": [
                1,
                {
                  "b": null
                }
              ],
              "c": {},
              "d": []
            }
            """)
}

@Test func `a number that is none goes out as text`() {
    for text in ["1 2", "", " 1", "1 ", "01", "NaN", "true", "\"x\"", "[1]", "1\n"] {
        #expect(written(.number(text)) == written(.string(text)))
    }
    for text in ["1", "-0", "1e400", "0.10"] { #expect(written(.number(text)) == text) }
}

@Test(arguments: [nil, 0, 2])
func `what is written reads back the same`(indent: Int?) throws {
    let texts = [
        #"{"a":[1,-2.50,"x\u0000\"\\\ud83d\ude00",true,false,null,-0,1e5],"b":{"":{}}}"#, "[]", "7", #""""#,
        "[[[[]]]]", #"{"sk-1":{"name":"caf\u00e9"}}"#,
    ]
    for text in texts {
        let tree = try JSONValue.parse(Array(text.utf8))
        #expect(try JSONValue.parse(Array(written(tree, indent: indent).utf8)) == tree)
    }
}
