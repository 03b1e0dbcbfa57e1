import Glibc
import Testing

@testable import Stores

private let salt = "./A1b2C3d4E5f6G7h8I9j."

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Test(arguments: [
    ("correct horse", "$2a$04$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO"),
    ("correct horse", "$2b$04$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO"),
    ("correct horse", "$2y$04$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO"),
    ("pässwörd ☃", "$2b$04$\(salt)UCYwJ7e44XpIcdFhtB.LmWAJt9F/ISO"),
    ("", "$2b$04$\(salt)L3UvM5wXbW.x/jVbKQ54JiKg64fW6ba"),
    (String(repeating: "a", count: 72), "$2b$04$\(salt)FLHETxfdM6T7sGQN.ytKI06x2URLGny"),
])
func `hashes made elsewhere are verified`(password: String, hash: String) {
    #expect(PasswordHash.verify(bytes(password), hash, cost: 4))
    #expect(!PasswordHash.verify(bytes(password + "x"), hash, cost: 4))
    #expect(!PasswordHash.verify(bytes("x" + password), hash, cost: 4))
}

@Test func `over 72 bytes and with a zero byte, the digest is what is hashed`() {
    // bcrypt of base64 of SHA-256.
    let long = "$2b$04$\(salt)jnTqvx3tZbA32bx4TOVKEciWL0tUgJC"
    #expect(PasswordHash.verify(bytes(String(repeating: "a", count: 73)), long, cost: 4))
    #expect(!PasswordHash.verify(bytes(String(repeating: "a", count: 74)), long, cost: 4))
    let zero = "$2b$04$\(salt)44wRO6XDhnyOAS4jo6FlNHzVRFUmZ1e"
    #expect(PasswordHash.verify(bytes("a\0b"), zero, cost: 4))
    #expect(!PasswordHash.verify(bytes("a\0c"), zero, cost: 4))
    #expect(!PasswordHash.verify(bytes("a"), zero, cost: 4))
}

@Test(arguments: [0, 1, 55, 71, 72, 73, 74, 200, 5000])
func `a password is verified whole, whatever its length`(count: Int) {
    let password = [UInt8](repeating: 0x61, count: count)
    let hash = PasswordHash.make(password, cost: 4)
    #expect(PasswordHash.verify(password, hash, cost: 4))
    #expect(!PasswordHash.verify(password + [0x61], hash, cost: 4))
    #expect(!PasswordHash.verify(password + [0], hash, cost: 4))
    if count > 0 {
        #expect(!PasswordHash.verify(Array(password.dropLast()), hash, cost: 4))
        #expect(!PasswordHash.verify(password.dropLast() + [0x62], hash, cost: 4))
    }
}

@Test func `every byte counts, zero and those beyond ASCII as well`() {
    for byte: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        let hash = PasswordHash.make([0x61, byte, 0x62], cost: 4)
        #expect(PasswordHash.verify([0x61, byte, 0x62], hash, cost: 4))
        #expect(!PasswordHash.verify([0x61, byte ^ 0x20, 0x62], hash, cost: 4))
        #expect(!PasswordHash.verify([0x61], hash, cost: 4))
    }
}

@Test func `hashes are 2b, of the cost wanted, salted`() {
    let hashes = (0..<10).map { _ in PasswordHash.make(bytes("x"), cost: 4) }
    #expect(Set(hashes.map { $0.prefix(29) }).count == 10)
    for hash in hashes {
        #expect(hash.hasPrefix("$2b$04$"))
        #expect(PasswordHash.isBcrypt(hash))
    }
    #expect(PasswordHash.make(bytes("x")).hasPrefix("$2b$10$"))
}

@Test(arguments: [
    "", "*0", "x", "$2b$04$", "$2x$04$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO",
    "$2b$03$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO", "$2b$32$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO",
    "$2b$04$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5If", "$2b$04$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfOO",
    "$2b$04_\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO", "$2b$04$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5If\0",
    "$2b$+4$\(salt)BpV8ixUYrBK3dMjvDO4CHleS2EA5IfO", "$6$rounds=1000$abc$def", "correct horse",
])
func `what is no bcrypt hash verifies nothing`(hash: String) {
    #expect(!PasswordHash.isBcrypt(hash))
    #expect(!PasswordHash.verify(bytes("correct horse"), hash, cost: 4))
    #expect(!PasswordHash.verify(bytes(""), hash, cost: 4))
}

/// CPU time of this thread, which does not depend on what else the machine has to do.
private func nanosecondsTaken(_ body: () -> Bool) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
    var times: [Double] = []
    for _ in 0..<5 {
        let start = now()
        #expect(!body())
        times.append(now() - start)
    }
    return times.min() ?? 0
}

@Test func `a user who is not there takes as long as one who is`() {
    let hash = PasswordHash.make(bytes("right"), cost: 9)
    let wrong = nanosecondsTaken { PasswordHash.verify(bytes("wrong"), hash, cost: 9) }
    let nobody = nanosecondsTaken { PasswordHash.verify(bytes("wrong"), nil, cost: 9) }
    let broken = nanosecondsTaken { PasswordHash.verify(bytes("wrong"), "broken", cost: 9) }
    // Each cost more doubles it, none would be no time at all.
    let cheap = PasswordHash.make(bytes("right"), cost: 5)
    let wrongOfCheap = nanosecondsTaken { PasswordHash.verify(bytes("wrong"), cheap, cost: 9) }
    #expect(wrongOfCheap > wrong / 1.8 && wrongOfCheap < wrong * 1.8)
    #expect(nobody > wrong / 1.8 && nobody < wrong * 1.8)
    #expect(broken > wrong / 1.8 && broken < wrong * 1.8)
}

@Test func `a hash that would take ages is not tried`() {
    let hash = PasswordHash.make(bytes("right"), cost: 4)
    let endless = hash.replacing("$04$", with: "$31$")
    #expect(PasswordHash.cost(of: endless) == 31)
    let taken = nanosecondsTaken { PasswordHash.verify(bytes("right"), endless, cost: 4) }
    #expect(taken < 1_000_000_000)
    #expect(PasswordHash.verify(bytes("right"), hash, cost: 9))
    #expect(PasswordHash.costMax(configured: 4) == 13 && PasswordHash.costMax(configured: 12) == 15)
    #expect(PasswordHash.cost(of: "broken") == nil)
}
