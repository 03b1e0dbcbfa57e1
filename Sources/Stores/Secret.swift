import Glibc

/// Bytes that never print and are zeroed when the last reference goes. Everything that came from a typed
/// reference (`{env: …}`, `{file: …}`, `{credential: …}`) travels as one of these until it becomes bytes on
/// the wire.
public final class Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    private let bytes: SecretBytes

    public init(_ bytes: [UInt8]) {
        self.bytes = SecretBytes(bytes)
    }

    public convenience init(_ text: String) { self.init(Array(text.utf8)) }

    public var count: Int { bytes.storage.count }
    public var isEmpty: Bool { bytes.storage.isEmpty }
    public var description: String { "<secret>" }
    public var debugDescription: String { "<secret>" }
    /// Why: `dump` and the test library's failure messages walk mirrors, which would show the bytes.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The bytes, for the one place that needs them. The result must not be kept longer than that.
    public func reveal() -> [UInt8] { bytes.storage }

    /// Whether both hold the same bytes, in a time that depends on the lengths alone.
    public func isEqual(to other: Secret) -> Bool {
        constantTimeEqual(bytes.storage, other.bytes.storage)
    }
}

/// Owns the storage, so that it can be overwritten in place when it goes.
private final class SecretBytes: @unchecked Sendable {
    // Why @unchecked: written in `init` and `deinit` only.
    private(set) var storage: [UInt8]

    init(_ bytes: [UInt8]) {
        // Why a copy: zeroing shared storage would copy it first and zero the copy.
        storage = [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
            for index in bytes.indices { target.initializeElement(at: index, to: bytes[index]) }
            count = bytes.count
        }
    }

    deinit {
        storage.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            explicit_bzero(start, bytes.count)
        }
    }
}

/// Compares in a time that depends on the lengths alone, so that an attacker learns nothing by trying
/// prefixes.
public func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for index in a.indices { difference |= a[index] ^ b[index] }
    return difference == 0
}
