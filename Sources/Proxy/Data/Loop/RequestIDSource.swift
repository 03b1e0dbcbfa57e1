import CLinux
import Glibc

/// Makes request ids: 128 bits as 32 hexadecimal digits, unique across workers and restarts. Not a secret.
struct RequestIDSource {
    private let prefix: UInt64
    private var counter: UInt64

    init(worker: Int) {
        var random: (UInt64, UInt64) = (0, 0)
        let result = withUnsafeMutableBytes(of: &random) { headgate_random($0.baseAddress, $0.count) }
        precondition(result == 0, "getrandom failed: errno \(errno)")
        prefix = random.0 ^ UInt64(worker)
        counter = random.1
    }

    /// 64 bits for choices among endpoints and keys. Not a secret.
    mutating func nextRandom() -> UInt64 {
        counter &+= 1
        return RequestIDSource.mix(counter)
    }

    mutating func next() -> InlineArray<32, UInt8> {
        counter &+= 1
        let mixed = RequestIDSource.mix(counter)
        var text = InlineArray<32, UInt8>(repeating: 0)
        for index in 0..<16 {
            text[index] = RequestIDSource.digit(prefix >> UInt64(60 - 4 * index))
            text[16 + index] = RequestIDSource.digit(mixed >> UInt64(60 - 4 * index))
        }
        return text
    }

    /// The finaliser of splitmix64: neighbours in time do not look alike.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    private static func digit(_ value: UInt64) -> UInt8 {
        let nibble = UInt8(truncatingIfNeeded: value & 0xF)
        return nibble < 10 ? nibble + 0x30 : nibble + 0x57
    }
}
