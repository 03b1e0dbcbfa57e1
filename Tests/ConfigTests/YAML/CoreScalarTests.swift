import Testing

@testable import Config

@Suite struct CoreScalarTests {
    @Test(arguments: [
        "yes", "no", "on", "off", "Yes", "y", "1_000", "0b1", "1:30", "-", "+", ".", "e5", "1e", "0x", "0xg",
        "tRUE", "1.2.3",
    ])
    func `what YAML 1 dot 1 read as something else is text`(_ word: String) {
        #expect(CoreScalar(word) == .text)
    }

    @Test(arguments: [
        ("0", "0"), ("007", "7"), ("+5", "5"), ("-5", "-5"), ("0x1F", "31"), ("0o17", "15"), ("-0", "-0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ])
    func `integers keep their digits in JSON's form`(_ plain: String, _ digits: String) {
        #expect(CoreScalar(plain) == .integer(digits))
    }

    @Test(arguments: [
        ("1.50", "1.50"), (".5", "0.5"), ("5.", "5.0"), ("1e5", "1e5"), ("-1.5E+3", "-1.5E+3"),
        ("+.5", "0.5"), ("00.1", "0.1"),
    ])
    func `decimals keep their digits in JSON's form`(_ plain: String, _ digits: String) {
        #expect(CoreScalar(plain) == .float(digits))
    }

    @Test func `null, booleans and the numbers without a number are known`() {
        for word in ["", "~", "null", "Null", "NULL"] { #expect(CoreScalar(word) == .null) }
        for word in ["true", "True", "TRUE"] { #expect(CoreScalar(word) == .bool(true)) }
        for word in ["false", "False", "FALSE"] { #expect(CoreScalar(word) == .bool(false)) }
        for word in [".inf", "-.Inf", "+.INF", ".nan"] { #expect(CoreScalar(word) == .unrepresentable) }
    }
}
