/// The trace that an exchange belongs to, and its own span in it.
struct RecordedTrace: BitwiseCopyable, Sendable {
    /// Of 128 bits; both zero: there is no trace.
    var high: UInt64 = 0
    var low: UInt64 = 0
    /// The exchange's span.
    var spanID: UInt64 = 0
    /// The caller's span; 0: the trace begins here.
    var parentID: UInt64 = 0
    /// As they go to the upstream; bit 0: sampled.
    var flags: UInt8 = 0

    var isOn: Bool { high | low != 0 }
    var isSampled: Bool { flags & TraceParent.sampledFlag != 0 }

    /// The span of an attempt, which the upstream gets as its parent: made of the exchange's, so that whoever
    /// has the record knows it too.
    /// - Parameter attempt: from 1.
    func span(ofAttempt attempt: UInt8) -> UInt64 {
        // The finaliser of splitmix64, under which different numbers stay different.
        var mixed = spanID &+ UInt64(attempt) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return mixed == 0 ? 1 : mixed
    }
}
