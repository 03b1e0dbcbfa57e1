import Testing

@testable import Proxy

@Suite struct ListReaderTests {
    @Test(arguments: [
        ("", []), (",", []), (" , \t,", []), ("a", ["a"]), (" a ", ["a"]), ("a,b", ["a", "b"]),
        (",a ,\t, b c ,", ["a", "b c"]), ("a;q=1, b", ["a;q=1", "b"]),
    ])
    func `members come without whitespace and empty ones not at all`(value: String, expected: [String]) {
        let members = withExactBytes(value) { bytes in
            var reader = ListReader(
                UnsafeRawPointer(bytes.baseAddress!), ByteRange(start: 0, count: UInt32(bytes.count)))
            var members: [String] = []
            while let member = reader.next() {
                members.append(String(decoding: bytes[Int(member.start)..<Int(member.end)], as: UTF8.self))
            }
            return members
        }
        #expect(members == expected)
    }
}
