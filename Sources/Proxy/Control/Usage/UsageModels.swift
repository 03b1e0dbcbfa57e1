import Stores

/// Names of models, as rows of `usage` have them: a client may choose any, and each makes a row that stays
/// for long.
struct UsageModels {
    /// Of a name, in UTF-8; what is longer is cut.
    static let bytesMax = 128
    /// Models that one caller may have on one day, since the start; further ones are `other`.
    static let perCallerMax = 1000
    static let other = "(other)"

    private struct Caller: Hashable {
        let auth: String
        let caller: String
    }

    /// By day, the hashes of the names that have a row of their own. Why hashes: many callers may have many
    /// names. Two that have the same are taken for one, which costs a row at most.
    private var known: [Int64: [Caller: Set<Int>]] = [:]

    /// - Parameter subject: day, `auth` and caller of it.
    mutating func name(_ model: String, of subject: UsageSubject) -> String {
        guard !model.isEmpty else { return model }
        if known[subject.day] == nil { begin(subject.day) }
        let caller = Caller(auth: subject.auth, caller: subject.caller)
        let hash = model.hashValue
        if known[subject.day]?[caller]?.contains(hash) ?? false { return model }
        let count = known[subject.day]?[caller]?.count ?? 0
        guard count < UsageModels.perCallerMax else { return UsageModels.other }
        known[subject.day]?[caller, default: []].insert(hash)
        return model
    }

    /// Two days are kept: around midnight records of both come.
    private mutating func begin(_ day: Int64) {
        if known.count >= 2, let oldest = known.keys.min() { known[oldest] = nil }
        known[day] = [:]
    }

    /// The first bytes, no character in part.
    static func cut(_ name: [UInt8]) -> ArraySlice<UInt8> {
        guard name.count > bytesMax else { return name[...] }
        var end = bytesMax
        while end > bytesMax - 4, name[end] & 0xC0 == 0x80 { end -= 1 }
        return name[..<end]
    }
}
