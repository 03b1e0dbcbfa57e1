import Stores
import Testing

@testable import Proxy

private func credential(
    _ pool: CredentialPool, _ key: String, _ source: String = "key.txt", weight: Int = 1
) -> UpstreamCredential {
    pool.credential(Secret(key), line: Array("K: \(key)\r\n".utf8), source: source, weight: weight)
}

@Test func `the same key is the same object as long as somebody holds it`() {
    let pool = CredentialPool()
    let first = credential(pool, "aaaaaaaa")
    #expect(credential(pool, "aaaaaaaa") === first)
    #expect(credential(pool, "bbbbbbbb") !== first)
    #expect(String(decoding: first.line, as: UTF8.self) == "K: aaaaaaaa\r\n")
    #expect(String(decoding: first.masked.bytes, as: UTF8.self) == "***************aaaa")
}

@Test func `the same key from elsewhere, or of another weight, is refused and cooled as it was`() {
    let pool = CredentialPool()
    let first = credential(pool, "aaaaaaaa")
    first.refuse(status: 402, until: 50)
    first.cooledUntil.store(70, ordering: .relaxed)
    for other in [credential(pool, "aaaaaaaa", "database"), credential(pool, "aaaaaaaa", weight: 3)] {
        #expect(other !== first)
        #expect(other.isRefused(now: 49) && !other.isRefused(now: 50) && other.isCooling(now: 69))
        #expect(other.refusedBy.load(ordering: .relaxed) == 402)
    }
}

@Test func `what nobody holds is let go of`() {
    let pool = CredentialPool()
    weak var gone: UpstreamCredential?
    for number in 0..<1000 {
        let made = credential(pool, "key-\(number)")
        if number == 0 { gone = made }
    }
    #expect(gone == nil)
}
