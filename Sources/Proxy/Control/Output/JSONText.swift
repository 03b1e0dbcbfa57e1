/// Writes JSON (RFC 8259) into bytes: the access log, `status` and the admin's answers. Commas are its own
/// business.
struct JSONText {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    mutating func object(_ key: String? = nil, _ body: (inout JSONText) -> Void) {
        open(key, UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    mutating func array(_ key: String? = nil, _ body: (inout JSONText) -> Void) {
        open(key, UInt8(ascii: "["))
        body(&self)
        close(UInt8(ascii: "]"))
    }

    mutating func string(_ key: String? = nil, _ value: String) { string(key, value.utf8) }

    /// Bytes that are not valid UTF-8 become U+FFFD, so that every line is valid JSON whatever a client sent.
    mutating func string(_ key: String? = nil, _ value: some Sequence<UInt8>) {
        begin(key)
        bytes.append(UInt8(ascii: "\""))
        if value.allSatisfy({ $0 < 0x80 }) {
            for byte in value { appendEscaped(byte) }
        } else {
            for byte in String(decoding: Array(value), as: UTF8.self).utf8 { appendEscaped(byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func number(_ key: String? = nil, _ value: some BinaryInteger) {
        begin(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Milliseconds with three digits behind the point: `12.345`.
    mutating func milliseconds(_ key: String, nanoseconds: UInt64) {
        begin(key)
        appendMilliseconds(nanoseconds, to: &bytes)
    }

    mutating func boolean(_ key: String? = nil, _ value: Bool) {
        begin(key)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func null(_ key: String? = nil) {
        begin(key)
        bytes.append(contentsOf: "null".utf8)
    }

    /// JSON text that is complete already.
    mutating func raw(_ key: String? = nil, _ json: String) {
        begin(key)
        bytes.append(contentsOf: json.utf8)
    }

    mutating func newline() {
        bytes.append(UInt8(ascii: "\n"))
        needsComma = false
    }

    private mutating func open(_ key: String?, _ bracket: UInt8) {
        begin(key)
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func begin(_ key: String?) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
        guard let key else { return }
        bytes.append(UInt8(ascii: "\""))
        for byte in key.utf8 { appendEscaped(byte) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0..<0x20, 0x7F:
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(hexDigit(byte >> 4))
            bytes.append(hexDigit(byte & 15))
        default: bytes.append(byte)
        }
    }

    private func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

func appendMilliseconds(_ nanoseconds: UInt64, to bytes: inout [UInt8]) {
    let microseconds = nanoseconds / 1000
    bytes.append(contentsOf: String(microseconds / 1000).utf8)
    bytes.append(UInt8(ascii: "."))
    let rest = microseconds % 1000
    bytes.append(UInt8(ascii: "0") + UInt8(rest / 100))
    bytes.append(UInt8(ascii: "0") + UInt8(rest / 10 % 10))
    bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
}
