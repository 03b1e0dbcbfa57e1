import Glibc

/// The entries of `models:`, findable by the name that a request says.
///
/// Cost: one hash and usually one comparison for a name that is listed; for others besides one match against
/// each pattern, until one fits.
final class ModelTable: Sendable {
    /// Open addressing with linear probing; nil: a free place. Never full.
    private let places: [ModelPlan?]
    /// Longest literal beginning first, then file order.
    private let patterns: [ModelPlan]

    /// Longer names are matched by `*` alone: what the client may send must not decide how long that takes.
    static let nameBytesMax = 512

    static let empty = ModelTable([])

    /// - Parameter models: in file order, no name twice.
    init(_ models: [ModelPlan]) {
        let exact = models.filter { !ModelTable.isPattern($0.name.bytes) }
        var places = [ModelPlan?](repeating: nil, count: exact.count * 2 + 1)
        for model in exact {
            var place = ModelTable.home(of: model.name.bytes, count: places.count)
            while places[place] != nil { place = place + 1 == places.count ? 0 : place + 1 }
            places[place] = model
        }
        self.places = places
        patterns = models.filter { ModelTable.isPattern($0.name.bytes) }.enumerated().sorted {
            let (left, right) = (literalCount($0.element), literalCount($1.element))
            return left == right ? $0.offset < $1.offset : left > right
        }.map(\.element)
    }

    /// Whom a request for this model counts for in limits by model: the entry that fits, lest other spellings
    /// of one model each have a count of their own. Names that fit none are one; without entries every
    /// name is its own.
    func subject(of name: UnsafeRawBufferPointer) -> LimitSubject {
        if let model = find(name) { return LimitSubject(model.name.bytes) }
        return isEmpty ? LimitSubject(name) : .everybody
    }

    private var isEmpty: Bool { patterns.isEmpty && places.count == 1 }

    /// The entry of that name, else that of the pattern with the longest literal beginning, else of the first
    /// in the file. nil: nothing is known of the model.
    func find(_ name: UnsafeRawBufferPointer) -> ModelPlan? {
        if let model = exact(name) { return model }
        let isLong = name.count > ModelTable.nameBytesMax
        for model in patterns {
            let pattern = model.name.bytes
            if isLong ? pattern.allSatisfy({ $0 == star }) : matches(pattern, name) { return model }
        }
        return nil
    }

    private func exact(_ name: UnsafeRawBufferPointer) -> ModelPlan? {
        var place = ModelTable.home(of: name, count: places.count)
        while let model = places[place] {
            if isEqual(model.name.bytes, name) { return model }
            place = place + 1 == places.count ? 0 : place + 1
        }
        return nil
    }

    private static func isPattern(_ name: UnsafeRawBufferPointer) -> Bool { name.contains(star) }

    private static func home(of name: UnsafeRawBufferPointer, count: Int) -> Int {
        Int(LimitSubject(name).mixed.multipliedFullWidth(by: UInt64(count)).high)
    }
}

/// Why `memcmp(3)`: compared element by element a name costs a hundred instructions.
private func isEqual(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
    guard one.count == other.count, let left = one.baseAddress, let right = other.baseAddress else {
        return one.isEmpty && other.isEmpty
    }
    return memcmp(left, right, one.count) == 0
}

private let star = UInt8(ascii: "*")

private func literalCount(_ model: ModelPlan) -> Int { model.name.bytes.prefix { $0 != star }.count }

/// Whether the name fits the pattern, in which `*` stands for any number of any bytes.
private func matches(_ pattern: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer) -> Bool {
    var (inPattern, inName) = (0, 0)
    // Behind the last star, and where in the name it stops for now. Only that one is ever moved: what an
    // earlier star takes more, the last one can take as well.
    var behindStar = -1
    var starEnd = 0
    while inName < name.count {
        if inPattern < pattern.count, pattern[inPattern] == star {
            inPattern += 1
            behindStar = inPattern
            starEnd = inName
        } else if inPattern < pattern.count, pattern[inPattern] == name[inName] {
            inPattern += 1
            inName += 1
        } else if behindStar >= 0 {
            starEnd += 1
            inPattern = behindStar
            inName = starEnd
        } else {
            return false
        }
    }
    while inPattern < pattern.count, pattern[inPattern] == star { inPattern += 1 }
    return inPattern == pattern.count
}
