/// "Did you mean": the nearest of the names that would have been right.
enum Suggestion {
    /// nil where nothing is near enough: one slip per three characters, of insert, delete, replace or swap.
    static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = folded(name)
        guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
        var best: (name: String, distance: Int)?
        // Why a bound: among thousands of names the guess is not worth the wait.
        for candidate in candidates.prefix(1000) {
            let other = folded(candidate)
            let allowed = max(1, min(wanted.count, other.count) / 3)
            guard abs(other.count - wanted.count) <= allowed else { continue }
            let distance = distance(wanted, other)
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    static func hint(for name: String, among candidates: some Sequence<String>) -> String? {
        nearest(to: name, among: candidates).map { "did you mean \(Quoting.quoted($0))?" }
    }

    /// Why: `maxBody`, `max-body` and `MAX_BODY` are what other programs call `max_body`.
    private static func folded(_ name: String) -> [UInt8] {
        name.lowercased().utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
    }

    /// Optimal string alignment distance.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for i in 0..<left.count {
            var current = [i + 1] + [Int](repeating: 0, count: right.count)
            for j in 0..<right.count {
                let cost = left[i] == right[j] ? 0 : 1
                current[j + 1] = min(last[j + 1] + 1, current[j] + 1, last[j] + cost)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    current[j + 1] = min(current[j + 1], beforeLast[j - 1] + 1)
                }
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
