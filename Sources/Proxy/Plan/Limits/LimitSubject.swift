/// Whom a count is for, as 128 bits: an address, half a digest, or several parts mixed into one.
///
/// The same parts give the same subject in every process: counts that outlive one are kept by it.
struct LimitSubject: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    /// Of everybody together: where a limit is by nothing that this request has.
    static let everybody = LimitSubject(high: 0, low: 0)

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(_ digest: KeyDigest) { self.init(high: digest.words.0, low: digest.words.1) }

    /// A name: a model, an upstream, a route.
    init(_ name: UnsafeRawBufferPointer) {
        var high: UInt64 = 0xCBF2_9CE4_8422_2325
        var low: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(name.count)
        for byte in name {
            high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            low = (low ^ UInt64(byte)) &* 0xD6E8_FEB8_6659_FD93
            low ^= low >> 29
        }
        self.init(high: LimitSubject.finalise(high), low: LimitSubject.finalise(low))
    }

    /// Control: of the text's bytes.
    init(name: String) {
        var text = name
        self = text.withUTF8 { LimitSubject(UnsafeRawBufferPointer($0)) }
    }

    /// This and another part together. The order counts.
    func joined(with other: LimitSubject) -> LimitSubject {
        LimitSubject(
            high: LimitSubject.finalise(high &* 0x9E37_79B9_7F4A_7C15 ^ other.high),
            low: LimitSubject.finalise(low &* 0xBF58_476D_1CE4_E5B9 ^ other.low))
    }

    /// Spread over all bits: addresses differ in few.
    var mixed: UInt64 { LimitSubject.finalise(high &* 0x9E37_79B9_7F4A_7C15 ^ low) }

    /// The finaliser of SplitMix64.
    private static func finalise(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
