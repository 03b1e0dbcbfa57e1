import Testing

@testable import Config

@Suite struct JSONTextTests {
    @Test func `strings are escaped as RFC 8259 asks`() {
        #expect(
            JSONText.string("a\"\\/\n\r\t\u{8}\u{0}\u{7F}é😀").text()
                == "\"a\\\"\\\\/\\n\\r\\t\\u0008\\u0000\\u007fé😀\"")
    }

    @Test func `values are written on one line or indented`() {
        let value = JSONText.object([
            ("a", .array([.integer(1), .bool(true), .null])), ("b", .object([JSONText.Member]())),
            ("c", .array([])),
        ])
        #expect(value.text() == #"{"a":[1,true,null],"b":{},"c":[]}"#)
        #expect(
            value.text(indented: true)
                == "{\n  \"a\": [\n    1,\n    true,\n    null\n  ],\n  \"b\": {},\n  \"c\": []\n}")
    }
}
