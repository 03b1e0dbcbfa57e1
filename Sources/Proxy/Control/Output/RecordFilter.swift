import Config

/// Which records the access log gets: all that are worth a look, and a sample of the rest.
struct RecordFilter: Equatable {
    /// Of a hundred ordinary successes.
    private let samplePercent: UInt64
    /// Nanoseconds; `.max`: no exchange is slow.
    let slowFrom: UInt64

    init(_ config: AccessLogConfig) {
        samplePercent = UInt64(config.samplePercent)
        slowFrom = config.slow == nil ? .max : nanoseconds(config.slow)
    }

    /// - Parameter requestID: decides whether an ordinary one belongs to the sample: those of a smaller one
    ///   are in each larger one, and gateways in a row keep the same.
    func keeps(_ record: ExchangeRecord, requestID: some Collection<UInt8>) -> Bool {
        if !record.isOrdinary || record.totalTime >= slowFrom { return true }
        return RecordFilter.hash(requestID) % 100 < samplePercent
    }

    /// FNV-1a in 64 bits with the finaliser of splitmix64, by which ids that differ in one digit fall apart.
    static func hash(_ bytes: some Collection<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        return hash ^ hash >> 31
    }
}

extension ExchangeRecord {
    /// Answered whole, and not with an error.
    var isOrdinary: Bool {
        outcome == .complete && fault == .none && (1..<400).contains(status)
    }
}
