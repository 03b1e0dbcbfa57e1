import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct `What is known of callers' keys` {
    private func key(_ user: Int64, _ model: String = "") -> KeyIndex.Key {
        KeyIndex.Key(userID: user, model: LimitSubject(name: model))
    }

    private func set(_ name: String) -> KeySet { KeySet([testCredential(name)], choice: .first) }

    @Test func `each caller and model has its own`() {
        let index = KeyIndex()
        for user in 0..<200 as Range<Int64> {
            for model in ["a", "b"] {
                let key = key(user, model)
                index.put(set("\(user)\(model)"), for: key, version: index.version(for: key))
            }
        }
        for user in 0..<200 as Range<Int64> {
            for model in ["a", "b"] {
                let line = index.find(key(user, model))!.keys[0].line
                #expect(String(decoding: line, as: UTF8.self).hasSuffix("Bearer \(user)\(model)\r\n"))
            }
        }
        #expect(index.find(key(1, "c")) == nil)
    }

    @Test func `an answer from before a change is not kept`() {
        let index = KeyIndex()
        let before = index.version(for: key(1))
        index.forget(users: [1])
        index.put(set("old"), for: key(1), version: before)
        #expect(index.find(key(1)) == nil)
        index.put(set("new"), for: key(1), version: index.version(for: key(1)))
        #expect(index.find(key(1)) != nil)
        let again = index.version(for: key(1))
        index.forgetAll()
        index.put(set("new"), for: key(1), version: again)
        #expect(index.find(key(1)) == nil)
    }

    @Test func `others keep theirs when one is forgotten`() {
        let index = KeyIndex()
        for user in [1, 17, 2] as [Int64] {
            index.put(set("\(user)"), for: key(user), version: index.version(for: key(user)))
        }
        index.forget(users: [1, 99])
        #expect(index.find(key(1)) == nil)
        #expect(index.find(key(17)) != nil && index.find(key(2)) != nil)
    }

    @Test func `it is bounded`() {
        let index = KeyIndex()
        let set = set("k")
        for user in 0..<Int64(KeyIndex.entriesMax + 5000) {
            index.put(set, for: key(user), version: index.version(for: key(user)))
        }
        #expect(index.find(key(Int64(KeyIndex.entriesMax) + 4999)) != nil)
        #expect(index.find(key(0)) == nil)
    }
}
