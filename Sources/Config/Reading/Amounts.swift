/// Counts and dollars: exact, and no floating point anywhere.
public enum Amounts {
    static let countUnits: [(name: String, scale: UInt64)] = [
        ("", 1), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000),
    ]
    /// Billionths in a dollar.
    static let nanosPerDollar: UInt64 = 1_000_000_000

    /// As the file writes it, in the largest unit that leaves no rest.
    static func written(count: UInt64) -> String {
        let unit = countUnits.last { count % $0.scale == 0 && count >= $0.scale } ?? countUnits[0]
        return "\(count / unit.scale)\(unit.name)"
    }

    /// Dollars, without zeros at the end.
    /// - Parameter decimalsMin: zeros are added up to it, nine digits at most.
    public static func written(nanoUSD: UInt64, decimalsMin: Int = 0) -> String {
        let (dollars, rest) = nanoUSD.quotientAndRemainder(dividingBy: nanosPerDollar)
        var digits = String(rest + nanosPerDollar).dropFirst()
        while digits.count > decimalsMin, digits.last == "0" { digits.removeLast() }
        return "\(dollars)" + (digits.isEmpty ? "" : "." + digits)
    }

    /// For a number that is not required.
    static func offHint(_ text: String) -> String? {
        ["off", "none", "false", "no"].contains(ASCII.lowercased(text)) ? "leave it out" : nil
    }

    /// Digits, perhaps with a point between them.
    static func isDecimal(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(ASCII.isDigit) }
    }

    /// Billionths of a dollar; nil for what is no decimal number, finer than that, or too much for 64 bits.
    static func nanoUSD(_ text: String) -> UInt64? {
        guard isDecimal(text) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "."))
        let fraction = parts.count == 2 ? String(decoding: parts[1], as: UTF8.self) : ""
        guard fraction.utf8.count <= 9, let dollars = UInt64(String(decoding: parts[0], as: UTF8.self)),
            let rest = UInt64(fraction + String(repeating: "0", count: 9 - fraction.utf8.count))
        else { return nil }
        let (nanos, isOver) = dollars.multipliedReportingOverflow(by: nanosPerDollar)
        let (sum, isSumOver) = nanos.addingReportingOverflow(rest)
        return isOver || isSumOver ? nil : sum
    }
}

extension Form where Value == UInt64 {
    /// `250`, `100k`.
    static func count(_ range: ClosedRange<UInt64>) -> Form {
        let wanted = "a number such as `250` or `100k` (units: k, M, G)"
        let schema = Schema.anyOf([
            .integer(Int(range.lowerBound)...Int(range.upperBound)), .string(pattern: "^[0-9]+[kMG]$"),
        ])
        return .scalar(wanted, schema: schema, standIn: range.lowerBound) { (scalar) throws(Mismatch) in
            guard let (number, unit) = Quantities.split(scalar.text) else {
                throw Mismatch(text: "must be \(wanted)", hint: Amounts.offHint(scalar.text))
            }
            guard let scale = Amounts.countUnits.first(where: { $0.name == unit })?.scale else {
                throw Mismatch(text: "must be \(wanted)", hint: unitHint(number, unit))
            }
            guard scalar.isPlain || !unit.isEmpty else {
                throw Mismatch(text: "must be \(wanted)", hint: "remove the quotes")
            }
            let (count, overflow) = number.multipliedReportingOverflow(by: scale)
            guard !overflow, range.contains(count) else {
                let low = Amounts.written(count: range.lowerBound)
                throw Mismatch(text: "must be from \(low) to \(Amounts.written(count: range.upperBound))")
            }
            return count
        }
    }

    private static func unitHint(_ number: UInt64, _ unit: String) -> String? {
        guard number < .max else { return nil }
        let short = ["k": "k", "m": "M", "g": "G", "b": "G"][Quantities.folded(unit)]
        if let short { return "write `\(number)\(short)`" }
        return unit.hasPrefix(".") ? "write a whole number, with a smaller unit" : nil
    }

    /// US dollars as billionths of one.
    static func dollars(_ range: ClosedRange<UInt64>) -> Form {
        let wanted = "dollars such as `5` or `0.50`"
        let high = Amounts.written(nanoUSD: range.upperBound)
        let isFromZero = range.lowerBound == 0
        let schema = Schema([
            ("type", .string("number")), (isFromZero ? "minimum" : "exclusiveMinimum", .integer(0)),
            ("maximum", .number(high)),
        ])
        return .scalar(wanted, schema: schema, standIn: range.lowerBound) { (scalar) throws(Mismatch) in
            let text = scalar.text
            guard Amounts.isDecimal(text) else {
                let offHint = isFromZero ? nil : Amounts.offHint(text)
                throw Mismatch(text: "must be \(wanted)", hint: offHint ?? dollarHint(text))
            }
            guard scalar.isPlain else { throw Mismatch(text: "must be \(wanted)", hint: "remove the quotes") }
            let bounds = isFromZero ? "from 0 to \(high)" : "more than 0 and at most \(high)"
            guard let nanos = Amounts.nanoUSD(text), range.contains(nanos) else {
                throw Mismatch(text: "must be \(bounds), with at most 9 digits behind the point")
            }
            return nanos
        }
    }

    private static func dollarHint(_ text: String) -> String? {
        let front = text.hasPrefix("$") ? String(text.dropFirst()) : text
        let bare = front.hasSuffix("$") ? String(front.dropLast()) : front
        let whole = bare.hasPrefix(".") ? "0" + bare : bare
        return Amounts.isDecimal(whole) ? "write `\(whole)`" : nil
    }
}
