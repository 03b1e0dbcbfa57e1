import Testing

@testable import Stores

@Test func `a secret says nothing by description, interpolation, mirror or dump`() {
    let secret = Secret("canary-5319")
    var dumped = ""
    dump(secret, to: &dumped)
    dump([secret], to: &dumped)
    let shown = ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped]
    for text in shown { #expect(!text.contains("canary")) }
    #expect("\(secret)" == "<secret>")
}

@Test func `a secret gives its bytes to whoever asks for them by name`() {
    #expect(Secret("abc").reveal() == Array("abc".utf8))
    #expect(Secret("").isEmpty)
    #expect(Secret("abc").count == 3)
}

@Test(arguments: [
    ("abc", "abc", true), ("abc", "abd", false), ("abc", "ab", false), ("", "", true), ("a", "", false),
])
func `secrets are equal when all of their bytes are`(a: String, b: String, expected: Bool) {
    #expect(Secret(a).isEqual(to: Secret(b)) == expected)
    #expect(constantTimeEqual(Array(a.utf8), Array(b.utf8)) == expected)
}

@Test func `a difference anywhere makes bytes unequal`() {
    let bytes = [UInt8](0..<64)
    for index in bytes.indices {
        var other = bytes
        other[index] ^= 0x80
        #expect(!constantTimeEqual(bytes, other))
    }
}
