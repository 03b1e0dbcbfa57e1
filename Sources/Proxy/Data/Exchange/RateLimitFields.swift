/// What response fields say of the limits that an exchange passed, or was refused by: one computation for
/// both, from the standings that the ledger left in the reservation. Measures in `mode: shadow` and money are
/// not shown.
///
/// Where a family has room for one measure of a kind, it is the one that refused, else the one with the least
/// left in proportion, and of equals the one that takes longest to be whole again: who goes by it waits for
/// all.
///
/// Cost: no allocation; about 500 instructions for `openai` and `ietf` and two measures.
enum RateLimitFields {
    /// - Parameters:
    ///   - realtime: nanoseconds since 1970.
    ///   - refused: the entry that refused (`RateRefusal.entry`); negative for none.
    static func write(
        _ writer: inout ByteWriter, _ reservation: Reservation, _ styles: RateLimitFieldStyles,
        realtime: UInt64, refused: Int = -1
    ) {
        guard !styles.isEmpty else { return }
        var (requests, tokens) = (Tightest(), Tightest())
        var (shown, room) = (0, FieldCursor.slackBytes)
        for index in 0..<reservation.count {
            let entry = reservation[index]
            let plan = entry.measure.fields
            guard plan.isShown else { continue }
            shown &+= 1
            room &+= plan.count &+ 7 &* FieldCursor.numberBytesMax
            switch entry.measure.unit {
            case .requests: requests.consider(entry, refused: index == refused)
            case .tokens, .inputTokens, .outputTokens: tokens.consider(entry, refused: index == refused)
            case .concurrent, .money: break
            }
        }
        guard shown > 0, let start = writer.room(for: room) else { return }
        var cursor = FieldCursor(start)
        if styles.contains(.openai) {
            if let entry = requests.entry { writeOpenAI(&cursor, entry) }
            if let entry = tokens.entry { writeOpenAI(&cursor, entry) }
        }
        if styles.contains(.ietf) { writeIETF(&cursor, reservation) }
        writer.fill(to: cursor.at)
        if !styles.isDisjoint(with: .timed), let entry = requests.entry {
            writeTimed(&writer, entry, styles, realtime: realtime)
        }
    }

    /// Fields of the upstream that give way to those of `styles`. The whole family goes: what the upstream
    /// says of the key that it knows is nothing that this client could go by.
    static func owns(_ line: FieldLine, _ bytes: UnsafeRawBufferPointer, _ styles: RateLimitFieldStyles)
        -> Bool
    {
        guard line.known == .other else { return false }
        let name = line.name.bytes(of: bytes)
        if styles.contains(.ietf), isOfFamily(name, "ratelimit-") { return true }
        return !styles.isDisjoint(with: [.openai, .timed]) && isOfFamily(name, "x-ratelimit-")
    }

    /// - Parameter family: a prefix with its hyphen; the name may end before that.
    private static func isOfFamily(_ name: UnsafeRawBufferPointer, _ family: StaticString) -> Bool {
        let count = min(name.count, family.utf8CodeUnitCount)
        guard count >= family.utf8CodeUnitCount - 1 else { return false }
        for index in 0..<count where asciiLowercased(name[index]) != family.utf8Start[index] { return false }
        return true
    }

    private struct Tightest {
        var entry: Reservation.Entry?
        private var isRefused = false

        @inline(__always)
        mutating func consider(_ other: Reservation.Entry, refused: Bool) {
            guard refused || isTightened(by: other) else { return }
            entry = other
            isRefused = refused
        }

        private func isTightened(by other: Reservation.Entry) -> Bool {
            guard let entry else { return true }
            if isRefused { return false }
            let left = other.remaining.multipliedFullWidth(by: entry.max)
            let right = entry.remaining.multipliedFullWidth(by: other.max)
            return left == right ? other.emptyIn > entry.emptyIn : left < right
        }
    }

    // MARK: Families

    @inline(__always)
    private static func writeOpenAI(_ cursor: inout FieldCursor, _ entry: Reservation.Entry) {
        let plan = entry.measure.fields
        cursor.put(plan.openai, of: plan, number: entry.max == entry.measure.max ? nil : entry.max)
        cursor.put(decimal: entry.remaining)
        cursor.put(plan.openaiReset, of: plan)
        cursor.put(duration: entry.emptyIn)
        cursor.putLineEnd()
    }

    private static func writeIETF(_ cursor: inout FieldCursor, _ reservation: Reservation) {
        var isFirst = true
        for index in 0..<reservation.count {
            let entry = reservation[index]
            let plan = entry.measure.fields
            guard plan.isShown else { continue }
            let number = entry.max == entry.measure.max ? nil : min(entry.max, RateLimitFieldsPlan.integerMax)
            cursor.put(isFirst ? plan.firstPolicy : plan.nextPolicy, of: plan, number: number)
            isFirst = false
        }
        isFirst = true
        for index in 0..<reservation.count {
            let entry = reservation[index]
            let plan = entry.measure.fields
            guard plan.isShown else { continue }
            cursor.put(isFirst ? plan.firstService : plan.nextService, of: plan)
            cursor.put(decimal: min(entry.remaining, RateLimitFieldsPlan.integerMax))
            isFirst = false
            // Nobody knows when one of the exchanges that run will end.
            if entry.nextIn > 0 {
                cursor.put(word: 0x3D743B, count: 3)  // ;t=
                cursor.put(decimal: entry.nextIn.roundedUpToSeconds)
            }
        }
        cursor.putLineEnd()
    }

    private static func writeTimed(
        _ writer: inout ByteWriter, _ entry: Reservation.Entry, _ styles: RateLimitFieldStyles,
        realtime: UInt64
    ) {
        writer.put("X-RateLimit-Limit: ")
        writer.put(decimal: entry.max)
        writer.put("\r\nX-RateLimit-Remaining: ")
        writer.put(decimal: entry.remaining)
        writer.put("\r\nX-RateLimit-Reset: ")
        if styles.contains(.iso) {
            writer.put(iso8601: (realtime &+ entry.nextIn).roundedUpToSeconds)
        } else if styles.contains(.epoch) {
            writer.put(decimal: (realtime &+ entry.nextIn).roundedUpToSeconds)
        } else {
            writer.put(decimal: entry.nextIn.roundedUpToSeconds)
        }
        writer.put("\r\n")
    }
}

extension UInt64 {
    /// Of nanoseconds, as `roundedUpToMilliseconds`: who waits that long does not come too early.
    @inline(__always)
    var roundedUpToSeconds: UInt64 { self / 1_000_000_000 &+ (self % 1_000_000_000 == 0 ? 0 : 1) }

    @inline(__always)
    var roundedUpToMilliseconds: UInt64 { self / 1_000_000 &+ (self % 1_000_000 == 0 ? 0 : 1) }
}
