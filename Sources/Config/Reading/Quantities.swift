/// Durations and sizes: a whole number and its unit, so that nobody guesses what `30` is.
enum Quantities {
    static let durationUnits: [(name: String, milliseconds: UInt64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
    static let sizeUnits: [(name: String, bytes: UInt64)] = [
        ("B", 1), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]
    /// A year of clocks is enough, and nanoseconds in 64 bits hold it.
    static let durationMax = Duration.seconds(365 * 86_400)
    static let sizeMax: UInt64 = 1 << 40

    /// The number and the unit behind it; nil if it does not begin with digits. What is more than 64 bits
    /// hold is the most that they hold: more than any bound.
    static func split(_ text: String) -> (number: UInt64, unit: String)? {
        let digits = text.utf8.prefix(while: ASCII.isDigit)
        guard !digits.isEmpty else { return nil }
        return (
            UInt64(String(digits) ?? "") ?? .max,
            String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self)
        )
    }

    /// The unit that somebody meant who wrote it in other words.
    static func folded(_ unit: String) -> String {
        ASCII.lowercased(String(decoding: unit.utf8.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self))
    }

    /// As the file writes it, in the largest unit that leaves no rest.
    static func written(_ duration: Duration) -> String {
        let parts = duration.components
        let milliseconds = UInt64(parts.seconds) * 1000 + UInt64(parts.attoseconds / 1_000_000_000_000_000)
        guard milliseconds > 0 else { return "0s" }
        let unit = durationUnits.last { milliseconds % $0.milliseconds == 0 } ?? durationUnits[0]
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }

    static func written(bytes: UInt64) -> String {
        let binary = sizeUnits.filter { $0.name.utf8.count != 2 }
        let unit = binary.last { bytes % $0.bytes == 0 } ?? sizeUnits[0]
        return bytes == 0 ? "0B" : "\(bytes / unit.bytes)\(unit.name)"
    }
}

extension Form where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> Form {
        let wanted = "a duration such as `30s` (units: ms, s, m, h, d)"
        let schema = Schema.string(pattern: "^[0-9]+(ms|s|m|h|d)$")
        return .scalar(wanted, schema: schema, standIn: range.lowerBound) { (scalar) throws(Mismatch) in
            guard let (number, unit) = Quantities.split(scalar.text) else {
                throw Mismatch(text: "must be \(wanted)")
            }
            guard let scale = Quantities.durationUnits.first(where: { $0.name == unit })?.milliseconds else {
                throw Mismatch(text: "must be \(wanted)", hint: unitHint(number, unit))
            }
            let (milliseconds, overflow) = number.multipliedReportingOverflow(by: scale)
            let isBelowMax = !overflow && milliseconds <= 365 * 86_400_000
            let value = isBelowMax ? Duration.milliseconds(Int64(milliseconds)) : Quantities.durationMax * 2
            guard range.contains(value) else {
                let (low, high) = (Quantities.written(range.lowerBound), Quantities.written(range.upperBound))
                let hint = number == 0 ? "`off` switches a limit off where it is allowed" : nil
                throw Mismatch(text: "must be from \(low) to \(high)", hint: hint)
            }
            return value
        }
    }

    static var duration: Form { duration(.milliseconds(1)...Quantities.durationMax) }

    private static func unitHint(_ number: UInt64, _ unit: String) -> String? {
        guard number < .max else { return nil }
        let names = [
            "": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m",
            "minutes": "m", "hours": "h",
            "day": "d", "days": "d", "hour": "h", "minute": "m",
        ]
        let lower = Quantities.folded(unit)
        let known = Quantities.durationUnits.contains { $0.name == lower } ? lower : names[lower]
        return known.map { "write `\(number)\($0)`" }
    }
}

extension Form where Value == UInt64 {
    /// Bytes.
    static func size(_ range: ClosedRange<UInt64>) -> Form {
        let wanted = "a size such as `10MiB` (units: B, KB, MB, GB, KiB, MiB, GiB)"
        let schema = Schema.string(pattern: "^[0-9]+(B|[KMG]i?B)$")
        return .scalar(wanted, schema: schema, standIn: range.lowerBound) { (scalar) throws(Mismatch) in
            guard let (number, unit) = Quantities.split(scalar.text) else {
                throw Mismatch(text: "must be \(wanted)")
            }
            guard let scale = Quantities.sizeUnits.first(where: { $0.name == unit })?.bytes else {
                throw Mismatch(text: "must be \(wanted)", hint: unitHint(number, unit))
            }
            let (bytes, overflow) = number.multipliedReportingOverflow(by: scale)
            guard !overflow, range.contains(bytes) else {
                let low = Quantities.written(bytes: range.lowerBound)
                let high = Quantities.written(bytes: range.upperBound)
                let hint = number == 0 ? "`off` switches a limit off where it is allowed" : nil
                throw Mismatch(text: "must be from \(low) to \(high)", hint: hint)
            }
            return bytes
        }
    }

    private static func unitHint(_ number: UInt64, _ unit: String) -> String? {
        guard number < .max else { return nil }
        let lower = Quantities.folded(unit)
        let known = Quantities.sizeUnits.last { ASCII.lowercased($0.name) == lower }?.name
        let short = ["": "B", "k": "KiB", "m": "MiB", "g": "GiB", "ki": "KiB", "mi": "MiB", "gi": "GiB"][
            lower]
        return (known ?? short).map { "write `\(number)\($0)`" }
    }
}
