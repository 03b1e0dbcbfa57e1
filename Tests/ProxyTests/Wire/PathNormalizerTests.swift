import Testing

@testable import Proxy

@Suite struct PathNormalizerTests {
    private func normalize(_ path: String) -> String {
        withExactBytes(path) { bytes in
            let output = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            defer { output.deallocate() }
            let count = normalizePath(UnsafeRawBufferPointer(bytes), into: output)
            return String(decoding: output[..<count], as: UTF8.self)
        }
    }

    @Test(arguments: [
        ("", ""), ("/", "/"), ("/v1/models", "/v1/models"), ("/%76%31", "/v1"),
        ("/%7e%5F%2D%2e%30", "/~_-.0"),
        ("/a%2fb", "/a%2Fb"), ("/a%2Fb", "/a%2Fb"), ("/%c3%a9", "/%C3%A9"), ("/%20%3f", "/%20%3F"),
        ("/%2561", "/%2561"),
        ("/A%41a", "/AAa"), ("//a//", "//a//"), ("/%", "/%"), ("/%4", "/%4"), ("/%zz", "/%zz"),
        ("/%%41", "/%A"), ("/%41", "/A"),
    ])
    func `unreserved escapes are decoded once and others get upper-case digits`(
        path: String, expected: String
    ) {
        #expect(normalize(path) == expected)
    }

    @Test func `of all escapes exactly those of unreserved octets are decoded`() {
        for byte in UInt8.min...UInt8.max {
            let digits = Array("0123456789ABCDEF".utf8)
            let escape = [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            let text = String(decoding: escape, as: UTF8.self)
            let isUnreserved = ByteSet.unreserved.contains(byte)
            #expect(normalize(text) == (isUnreserved ? String(Unicode.Scalar(byte)) : text))
            #expect(normalize(text.lowercased()) == normalize(text))
        }
    }
}
