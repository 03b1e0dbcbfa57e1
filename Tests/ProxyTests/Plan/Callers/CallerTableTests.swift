import Testing

@testable import Proxy

/// Few homes, so that callers have to probe.
private func digest(_ home: UInt64, _ number: UInt64) -> KeyDigest {
    KeyDigest(words: (home << 61, number, 0, 0))
}

private func caller(_ digest: KeyDigest) -> Caller { Caller(digest: digest, label: .empty) }

@Suite(.tags(.fast)) struct CallerTableTests {
    @Test(arguments: UInt64(1)...10)
    func `it holds what was put in and not taken out, however crowded`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = CallerTable()
        var model: [KeyDigest: Caller] = [:]
        for _ in 0..<3000 {
            let key = digest(.random(in: 0..<8, using: &random), .random(in: 0..<40, using: &random))
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let new = caller(key)
                table.put(new)
                model[key] = new
            case 1: #expect(table.remove(key) === model.removeValue(forKey: key))
            default: #expect(table.find(key) === model[key])
            }
            #expect(table.count == model.count)
        }
        #expect(Set(table.places.compactMap(\.?.digest)) == Set(model.keys))
    }
}
