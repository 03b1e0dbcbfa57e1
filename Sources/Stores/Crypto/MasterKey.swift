/// 32 bytes that upstream keys are sealed with (AES-256-GCM). Known by an id that is no secret.
public final class MasterKey: Sendable {
    /// First 8 hex digits of the SHA-256 of the key.
    public let id: String
    private let secret: Secret

    /// - Parameter text: 64 hex digits, or base64 of 32 bytes, as a file or variable holds it.
    /// - Throws: a message that does not quote it.
    public init(_ text: Secret) throws(StoreError) { fatalError("not yet") }

    /// From the system's generator, as 64 hex digits.
    public static func generate() -> Secret { fatalError("not yet") }

    /// `v1`, key id, nonce, ciphertext and tag, as one blob.
    /// - Parameter context: bound to it (row and column), so that blobs cannot be swapped.
    func seal(_ secret: Secret, context: String) -> [UInt8] { fatalError("not yet") }
    func open(_ blob: [UInt8], context: String) throws(StoreError) -> Secret { fatalError("not yet") }
}
