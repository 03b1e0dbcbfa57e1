import Stores
import Testing

@testable import Proxy

@Test(arguments: [
    ("sk-or-v1-0123456789ab", true), ("sk-or-v1-0123456789a", false), ("sk-or-v2-0123456789abcdef", false),
    ("sk-or-v1-0123456789 ab", false), ("sk-or-v1-0123456789ab\r\nX: y", false),
    ("sk-or-v1-0123456789ab\0", false), ("sk-or-v1-0123456789äöü", false),
    ("sk-or-v1-" + String(repeating: "a", count: 4087), true),
    ("sk-or-v1-" + String(repeating: "a", count: 4088), false),
])
func `S1-19: a key begins with the prefix, is long enough, and is nothing but visible`(
    key: String, isGood: Bool
) {
    #expect(KeyFormat(prefix: "sk-or-v1-", lengthMin: 21).accepts(Secret(key)) == isGood)
}

@Test func `without a rule every key is good that can stand in a field`() {
    #expect(KeyFormat().accepts(Secret("x")))
    #expect(!KeyFormat().accepts(Secret("")))
    #expect(!KeyFormat(prefix: "", lengthMin: 0).accepts(Secret("")))
    #expect(!KeyFormat().accepts(Secret("a b")))
}

@Test(arguments: [("k\n", "k"), (" \t\r\nk k\r\n\n", "k k"), ("", ""), ("\n \n", ""), ("k", "k")])
func `S1-18: white space around a key is no part of it`(content: String, key: String) {
    #expect(KeyFormat.trimmed(Array(content.utf8)) == Array(key.utf8))
}
