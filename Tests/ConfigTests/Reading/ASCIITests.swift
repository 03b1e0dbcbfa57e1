import Testing

@testable import Config

@Suite struct ASCIITests {
    @Test func `numbers are plain decimal within their bound`() {
        #expect(ASCII.number("0", max: 9) == 0)
        #expect(ASCII.number("65535", max: 65535) == 65535)
        for text in ["", "65536", "007", "+5", "-5", "5 ", "٣", "0x1", "99999999999999999999999"] {
            #expect(ASCII.number(text, max: 65535) == nil, "\(text)")
        }
    }

    @Test func `tokens are what RFC 9110 says`() {
        for text in ["GET", "x-api-key", "!#$%&'*+-.^_`|~9z"] { #expect(ASCII.isToken(text)) }
        for text in ["", "a b", "a:", "é", "a\n", "(", "a/b", "\"", "a,b"] {
            #expect(!ASCII.isToken(text), "\(text)")
        }
    }

    @Test func `only ASCII letters change their case`() {
        #expect(ASCII.lowercased("ÀBC-Ü9[@") == "Àbc-Ü9[@")
    }

    @Test func `hexadecimal digits have values`() {
        #expect("0aF9".utf8.map { ASCII.hexValue($0) } == [0, 10, 15, 9])
        #expect("g:/@`".utf8.allSatisfy { ASCII.hexValue($0) == nil })
    }
}
