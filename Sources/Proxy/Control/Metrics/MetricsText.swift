/// Writes the Prometheus text format, version 0.0.4.
///
/// Cost: a copy of each part. A line of a hundred bytes takes some tens of nanoseconds, because a scrape of a
/// large configuration has a hundred thousand of them, on the control thread.
struct MetricsText {
    enum Kind: String { case counter, gauge, histogram }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var bytes: [UInt8] = []
    /// The family that samples belong to.
    private var name: [UInt8] = []

    /// Begins a family.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = Array(name.utf8)
        bytes += "# HELP \(name) ".utf8
        for byte in help.utf8 { appendEscaped(byte, quotes: false) }
        bytes += "\n# TYPE \(name) \(kind.rawValue)\n".utf8
    }

    /// The only one of its family.
    mutating func sample(_ value: UInt64) { sample([], value) }

    /// - Parameters:
    ///   - labels: what `labels` made; empty for none.
    ///   - suffix: of the family's name, such as `_bucket`.
    mutating func sample(_ labels: [UInt8], suffix: StaticString = "", _ value: UInt64) {
        begin(labels, suffix)
        bytes.appendDecimal(value)
        bytes.append(0x0A)
    }

    mutating func sample(_ labels: [UInt8] = [], isTrue: Bool) { sample(labels, isTrue ? 1 : 0) }

    /// As seconds.
    mutating func sample(_ labels: [UInt8] = [], suffix: StaticString = "", nanoseconds: UInt64) {
        begin(labels, suffix)
        bytes.appendBillionths(nanoseconds)
        bytes.append(0x0A)
    }

    /// A bucket of a histogram.
    /// - Parameter rest: of the labels, and what stands before the number: `,le="0.1"} `.
    mutating func bucket(_ labels: [UInt8], _ rest: [UInt8], _ value: UInt64) {
        bytes.append(contentsOf: name)
        bytes.append(contentsOf: MetricsText.bucketStart)
        bytes.append(contentsOf: labels)
        bytes.append(contentsOf: rest)
        bytes.appendDecimal(value)
        bytes.append(0x0A)
    }

    private static let bucketStart = Array("_bucket{".utf8)

    private mutating func begin(_ labels: [UInt8], _ suffix: StaticString) {
        bytes.append(contentsOf: name)
        if suffix.utf8CodeUnitCount > 0 { bytes.append(contentsOf: "\(suffix)".utf8) }
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes.append(contentsOf: labels)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(0x20)
    }

    /// `route="a",class="2xx"`
    static func labels(_ pairs: (String, String)...) -> [UInt8] {
        var text = MetricsText()
        for (index, pair) in pairs.enumerated() {
            if index > 0 { text.bytes.append(UInt8(ascii: ",")) }
            text.bytes += pair.0.utf8
            text.bytes += "=\"".utf8
            for byte in pair.1.utf8 { text.appendEscaped(byte, quotes: true) }
            text.bytes.append(UInt8(ascii: "\""))
        }
        return text.bytes
    }

    private mutating func appendEscaped(_ byte: UInt8, quotes: Bool) {
        switch byte {
        case UInt8(ascii: "\\"): bytes += "\\\\".utf8
        case 0x0A: bytes += "\\n".utf8
        case UInt8(ascii: "\"") where quotes: bytes += "\\\"".utf8
        case _: bytes.append(byte)
        }
    }
}

extension [UInt8] {
    mutating func appendDecimal(_ value: UInt64) {
        guard value >= 10 else { return append(UInt8(ascii: "0") + UInt8(value)) }
        var divisor: UInt64 = 10
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// `1.5` for 1,500,000,000, without zeros at the end.
    mutating func appendBillionths(_ value: UInt64) {
        appendDecimal(value / 1_000_000_000)
        var rest = value % 1_000_000_000
        guard rest > 0 else { return }
        append(UInt8(ascii: "."))
        var divisor: UInt64 = 100_000_000
        while rest > 0 {
            append(UInt8(ascii: "0") + UInt8(rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }
}
