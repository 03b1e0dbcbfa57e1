import Testing

@testable import Proxy

@Suite struct RequestIDRuleTests {
    private func isValid(_ text: String) -> Bool {
        withExactBytes(text) { RequestIDRule.isValidRequestID(UnsafeRawBufferPointer($0)) }
    }

    @Test func `an id is 1 to 128 safe octets`() {
        #expect(isValid("a"))
        #expect(isValid("req_0:1/2+3=4@5-6.7"))
        #expect(isValid(String(repeating: "x", count: 128)))
        #expect(!isValid(""))
        #expect(!isValid(String(repeating: "x", count: 129)))
        for bad in [" ", "\t", "\r", "\n", "\0", "\"", "<", "%", ",", ";", "\\", "{", "\u{7F}", "\u{E9}"] {
            #expect(!isValid("a\(bad)b"), "\(bad.debugDescription)")
        }
    }
}
