/// `Sec-WebSocket-…` fields (RFC 6455 §11.3). Browsers put an API key into the subprotocol, since they cannot
/// set `Authorization` on a WebSocket.
enum WebSocketFields {
    private static let prefix: StaticString = "sec-websocket-"
    private static let keyPrefix: StaticString = "openai-insecure-api-key."

    static func contains(_ line: FieldLine, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let name = line.name.bytes(of: bytes)
        guard name.count > prefix.utf8CodeUnitCount else { return false }
        return asciiCaseInsensitiveEqual(
            UnsafeRawBufferPointer(rebasing: name[..<prefix.utf8CodeUnitCount]), prefix)
    }

    /// The key that one of the subprotocols offered is; nil for none.
    static func credential(_ line: FieldLine, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard contains(line, bytes) else { return nil }
        let value = line.value.bytes(of: bytes)
        let count = keyPrefix.utf8CodeUnitCount
        guard value.count >= count else { return nil }
        for start in 0...(value.count - count)
        where asciiCaseInsensitiveEqual(
            UnsafeRawBufferPointer(rebasing: value[start..<start + count]), keyPrefix)
        {
            var end = start + count
            while end < value.count, value[end] != UInt8(ascii: ","), value[end] != Byte.space { end += 1 }
            return UnsafeRawBufferPointer(rebasing: value[start + count..<end])
        }
        return nil
    }
}
