/// Which request ids are taken over from a client.
enum RequestIDRule {
    /// Most octets of a request id.
    static let maxBytes = 128

    /// Whether `bytes` is 1 to 128 of `A-Z a-z 0-9 . _ : / + = @ -`: what is safe in logs, field values and
    /// URLs.
    static func isValidRequestID(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty, bytes.count <= maxBytes else { return false }
        for byte in bytes where !ByteSet.requestID.contains(byte) { return false }
        return true
    }
}
