import Testing

@testable import Proxy

@Test func `who has no key is news once, and is asked for anew after a second`() {
    let misses = KeyMisses()
    let asker = KeyMisses.Asker(key: KeyScene.key(1), hasRefused: false)
    let other = KeyMisses.Asker(key: KeyScene.key(1), hasRefused: true)
    #expect(!misses.isFresh(asker, now: 0))
    #expect(misses.note(asker, now: 0))
    #expect(misses.isFresh(asker, now: 999_999_999) && !misses.isFresh(asker, now: 1_000_000_000))
    #expect(!misses.isFresh(other, now: 0))
    #expect(!misses.note(asker, now: 1_000_000_000))
    #expect(misses.isFresh(asker, now: 1_500_000_000))
    misses.forget(users: [2])
    #expect(misses.isFresh(asker, now: 1_500_000_000))
    misses.forget(users: [1])
    #expect(!misses.isFresh(asker, now: 1_500_000_000) && misses.note(asker, now: 0))
    misses.forgetAll()
    #expect(misses.note(asker, now: 0))
}
