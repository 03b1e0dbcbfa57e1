import Testing

@testable import Proxy

@Suite struct BytesTests {
    private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    private static let digits = "0123456789"

    private func members(_ set: ByteSet) -> Set<UInt8> {
        Set((0...255).map { UInt8($0) }.filter(set.contains))
    }

    @Test func `the sets of octets are those of the grammars`() {
        let common = Self.letters + Self.digits
        #expect(members(.token) == Set((common + "!#$%&'*+-.^_`|~").utf8))
        #expect(members(.unreserved) == Set((common + "-._~").utf8))
        #expect(members(.regName) == Set((common + "-._~!$&'()*+,;=").utf8))
        #expect(members(.requestID) == Set((common + "._:/+=@-").utf8))
    }

    @Test func `digits have their values and nothing else has one`() {
        for byte in UInt8.min...UInt8.max {
            let scalar = Unicode.Scalar(byte)
            let isASCII = byte < 128
            #expect(hexDigitValue(byte) == (isASCII ? Character(scalar).hexDigitValue.map(UInt8.init) : nil))
            let isDecimal = Self.digits.utf8.contains(byte)
            #expect(decimalDigitValue(byte) == (isDecimal ? byte - 48 : nil))
            #expect(isOptionalWhitespace(byte) == (byte == 0x20 || byte == 0x09))
        }
    }

    @Test func `equality ignores the case of ASCII letters alone`() {
        for left in UInt8.min...UInt8.max {
            for right in UInt8.min...UInt8.max {
                let areLetters = Self.letters.utf8.contains(left) && Self.letters.utf8.contains(right)
                let expected = left == right || (areLetters && left | 0x20 == right | 0x20)
                let found = withExactBytes([left]) { leftBytes in
                    withExactBytes([right]) { rightBytes in
                        asciiCaseInsensitiveEqual(
                            UnsafeRawBufferPointer(leftBytes), UnsafeRawBufferPointer(rightBytes))
                    }
                }
                #expect(found == expected, "\(left) and \(right)")
            }
        }
    }

    @Test(arguments: [
        ("", true), ("Keep-Alive", false), ("transfer-ENCODING", true), ("transfer-encodinG", true),
        ("transfer_encoding", false), ("transfer-encodin", false), ("transfer-encodings", false),
    ])
    func `equality looks at every octet and the count`(text: String, matches: Bool) {
        let other: StaticString = text.isEmpty ? "" : "Transfer-Encoding"
        #expect(
            withExactBytes(text) { asciiCaseInsensitiveEqual(UnsafeRawBufferPointer($0), other) } == matches)
    }
}
