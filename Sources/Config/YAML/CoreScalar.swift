/// What a plain scalar is in the core schema of YAML 1.2.2 (§10.3.2). `yes`, `no`, `on` and `off` are text.
enum CoreScalar: Equatable {
    case null
    case bool(Bool)
    /// Decimal digits with an optional `-`; hexadecimal and octal are converted.
    case integer(String)
    /// As JSON writes it, digits kept.
    case float(String)
    /// `.inf`, `.nan`
    case unrepresentable
    case text

    init(_ plain: String) {
        switch plain {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN",
            ".NAN":
            self = .unrepresentable
        case _: self = Self.number(Array(plain.utf8)) ?? .text
        }
    }

    private static func number(_ text: [UInt8]) -> CoreScalar? {
        if text.starts(with: Array("0x".utf8)) { return based(text.dropFirst(2), radix: 16) }
        if text.starts(with: Array("0o".utf8)) { return based(text.dropFirst(2), radix: 8) }
        var rest = text[...]
        var sign = ""
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            sign = first == UInt8(ascii: "-") ? "-" : ""
            rest = rest.dropFirst()
        }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        if rest.isEmpty { return whole.isEmpty ? nil : .integer(sign + trimmed(whole)) }
        var fraction: ArraySlice<UInt8> = []
        let hasPoint = rest.first == UInt8(ascii: ".")
        if hasPoint {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        guard let exponent = exponent(rest) else { return nil }
        let digits = String(decoding: fraction.isEmpty ? [UInt8(ascii: "0")] : fraction, as: UTF8.self)
        return .float(sign + trimmed(whole) + (hasPoint ? "." + digits : "") + exponent)
    }

    /// "" for nothing; nil for what is no exponent.
    private static func exponent(_ text: ArraySlice<UInt8>) -> String? {
        guard let mark = text.first else { return "" }
        guard mark | 0x20 == UInt8(ascii: "e") else { return nil }
        var digits = text.dropFirst()
        if let sign = digits.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            digits = digits.dropFirst()
        }
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    private static func based(_ digits: ArraySlice<UInt8>, radix: Int) -> CoreScalar? {
        guard !digits.isEmpty, digits.first != UInt8(ascii: "-"), digits.first != UInt8(ascii: "+") else {
            return nil
        }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: radix).map { .integer(String($0)) }
    }

    /// Why: JSON knows no leading zeros (RFC 8259 §6).
    private static func trimmed(_ digits: ArraySlice<UInt8>) -> String {
        let kept = digits.drop { $0 == UInt8(ascii: "0") }
        return kept.isEmpty ? "0" : String(decoding: kept, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
