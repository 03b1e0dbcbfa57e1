import Stores
import Testing

@testable import Proxy

@Test(arguments: [
    ("", "****"), ("1234567", "****"), ("12345678", "***************5678"),
    ("sk-or-v1-0123456789b465", "***************b465"), ("sk-or-v1-ä\u{7}b5", "***************??b5"),
])
func `S1-43, C27: a key shows as 15 stars and its last four characters`(key: String, shown: String) {
    #expect(KeyMask.text(Secret(key)) == shown)
}
