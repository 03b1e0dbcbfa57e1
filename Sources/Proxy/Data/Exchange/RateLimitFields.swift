/// What response fields say of the limits that an exchange passed, or was refused by: one computation for
/// both, from the standings that the ledger left in the reservation. Measures in `mode: shadow` and money are
/// not shown.
///
/// Where a family has room for one measure of a kind, it is the one that refused, else the one with the least
/// left in proportion, and of equals the one that takes longest to be whole again: who goes by it waits for
/// all.
///
/// Cost: no allocation; about 900 instructions for `openai` and `ietf` and two measures.
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
        var room = 0
        for index in 0..<reservation.count {
            let standing = Standing(reservation, index)
            switch standing.pieces.pointee.kind {
            case .hidden: continue
            case .requests: requests.consider(standing, refused: index == refused)
            case .tokens: tokens.consider(standing, refused: index == refused)
            case .concurrent: break
            }
            room &+= standing.pieces.pointee.count &+ 7 &* FieldCursor.numberBytesMax
        }
        guard room > 0, let start = writer.room(for: room + FieldCursor.slackBytes) else { return }
        var cursor = FieldCursor(start)
        if styles.contains(.openai) {
            if let standing = requests.standing { writeOpenAI(&cursor, standing) }
            if let standing = tokens.standing { writeOpenAI(&cursor, standing) }
        }
        if styles.contains(.ietf) { writeIETF(&cursor, reservation) }
        writer.fill(to: cursor.at)
        if !styles.isDisjoint(with: .timed), let standing = requests.standing {
            writeTimed(&writer, standing, styles, realtime: realtime)
        }
    }

    /// Those of `styles` in which something is written of the reservation.
    static func shown(_ reservation: Reservation, _ styles: RateLimitFieldStyles) -> RateLimitFieldStyles {
        guard !styles.isEmpty else { return [] }
        var shown: RateLimitFieldStyles = []
        for index in 0..<reservation.count {
            switch Standing(reservation, index).pieces.pointee.kind {
            case .hidden: continue
            case .requests: shown.formUnion([.openai, .ietf, .timed])
            case .tokens: shown.formUnion([.openai, .ietf])
            case .concurrent: shown.insert(.ietf)
            }
        }
        return shown.intersection(styles)
    }

    /// Fields of the upstream that give way to those of `styles`. The whole family goes: what the upstream
    /// says of the key that it knows is nothing that this client could go by.
    /// - Parameter styles: those that are shown.
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

    /// What the fields say of an entry.
    private struct Standing {
        let pieces: UnsafePointer<RateLimitFieldPieces>
        let max: UInt64
        let remaining: UInt64
        let nextIn: UInt64
        let emptyIn: UInt64

        @inline(__always)
        init(_ reservation: Reservation, _ index: Int) {
            let entry = reservation[index]
            pieces = entry.measure.fields.pieces
            max = entry.max
            remaining = entry.remaining
            nextIn = entry.nextIn
            emptyIn = entry.emptyIn
        }

        /// Where it is not the measure's.
        @inline(__always)
        var ownMax: UInt64? { max == pieces.pointee.max ? nil : max }
    }

    private struct Tightest {
        var standing: Standing?
        private var isRefused = false

        @inline(__always)
        mutating func consider(_ other: Standing, refused: Bool) {
            guard refused || isTightened(by: other) else { return }
            standing = other
            isRefused = refused
        }

        private func isTightened(by other: Standing) -> Bool {
            guard let standing else { return true }
            if isRefused { return false }
            let left = other.remaining.multipliedFullWidth(by: standing.max)
            let right = standing.remaining.multipliedFullWidth(by: other.max)
            return left == right ? other.emptyIn > standing.emptyIn : left < right
        }
    }

    // MARK: Families

    private static func writeOpenAI(_ cursor: inout FieldCursor, _ standing: Standing) {
        let base = standing.pieces.pointee.base
        cursor.put(standing.pieces.pointee.openai, of: base, number: standing.ownMax)
        cursor.put(decimal: standing.remaining)
        cursor.put(standing.pieces.pointee.openaiReset, of: base)
        cursor.put(duration: standing.emptyIn)
        cursor.putLineEnd()
    }

    private static func writeIETF(_ cursor: inout FieldCursor, _ reservation: Reservation) {
        var isFirst = true
        for index in 0..<reservation.count {
            let standing = Standing(reservation, index)
            let pieces = standing.pieces
            guard pieces.pointee.kind != .hidden else { continue }
            cursor.put(
                isFirst ? pieces.pointee.firstPolicy : pieces.pointee.nextPolicy, of: pieces.pointee.base,
                number: standing.ownMax.map { min($0, RateLimitFieldsPlan.integerMax) })
            isFirst = false
        }
        isFirst = true
        for index in 0..<reservation.count {
            let standing = Standing(reservation, index)
            let pieces = standing.pieces
            guard pieces.pointee.kind != .hidden else { continue }
            cursor.put(
                isFirst ? pieces.pointee.firstService : pieces.pointee.nextService, of: pieces.pointee.base)
            cursor.put(decimal: min(standing.remaining, RateLimitFieldsPlan.integerMax))
            isFirst = false
            // Nobody knows when one of the exchanges that run will end.
            if standing.nextIn > 0 {
                cursor.put(word: 0x3D743B, count: 3)  // ;t=
                // Why: what was used comes back up to a sub-window late, and who reads `t` above `w` takes it
                // for a mistake. `Retry-After` is exact.
                cursor.put(decimal: min(standing.nextIn.roundedUpToSeconds, pieces.pointee.windowSeconds))
            }
        }
        cursor.putLineEnd()
    }

    private static func writeTimed(
        _ writer: inout ByteWriter, _ standing: Standing, _ styles: RateLimitFieldStyles,
        realtime: UInt64
    ) {
        writer.put("X-RateLimit-Limit: ")
        writer.put(decimal: standing.max)
        writer.put("\r\nX-RateLimit-Remaining: ")
        writer.put(decimal: standing.remaining)
        writer.put("\r\nX-RateLimit-Reset: ")
        if styles.contains(.iso) {
            writer.put(iso8601: (realtime &+ standing.nextIn).roundedUpToSeconds)
        } else if styles.contains(.epoch) {
            writer.put(decimal: (realtime &+ standing.nextIn).roundedUpToSeconds)
        } else {
            writer.put(decimal: standing.nextIn.roundedUpToSeconds)
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
