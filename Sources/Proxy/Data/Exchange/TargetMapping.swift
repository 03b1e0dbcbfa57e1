/// From the client's path to the upstream's: prefixes of the route, path of the endpoint, the query byte for
/// byte.
extension RoutePlan {
    /// Upstream path = path of `url` + (`add_prefix` + path without `strip_prefix`). Where the first ends in
    /// `/v1` and the second begins with it, it appears once, so that clients may write their base URL with or
    /// without it.
    func writeTarget(
        _ writer: inout ByteWriter, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer,
        _ endpoint: EndpointPlan
    ) {
        let implied: StaticString = "/"
        let path =
            head.pathIsImplied
            ? UnsafeRawBufferPointer(start: implied.utf8Start, count: 1) : head.path.bytes(of: bytes)
        guard path.first == 0x2F else {
            // `*` is about the server as a whole (RFC 9110 §9.3.7).
            writer.put(path)
            return
        }
        let rest = strippedPath(path)
        let start = writer.count
        writer.put(endpoint.basePath)
        guard transform == .none else {
            // What the simple chat is made into, wherever the route stands.
            writer.put("/chat/completions")
            writer.put(head.query.bytes(of: bytes))
            return
        }
        let mark = writer.count
        writer.put(addPrefix)
        if rest.first != 0x2F && (writer.count == start || !rest.isEmpty) { writer.put(byte: 0x2F) }
        writer.put(rest)
        if endpoint.basePathEndsInV1 { writer.removeDuplicateV1(from: mark) }
        writer.put(head.query.bytes(of: bytes))
    }

    /// The received path without `strip_prefix`; whole where the prefix does not end at a segment's end.
    private func strippedPath(_ path: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard !stripPrefix.isEmpty, let length = RoutePlan.receivedLength(of: stripPrefix, in: path) else {
            return path
        }
        guard length == path.count || path[length] == 0x2F || stripPrefix.last == 0x2F else { return path }
        return UnsafeRawBufferPointer(rebasing: path[length...])
    }

    /// How many received bytes make up `prefix`, which is normalised: an unreserved character may have come
    /// as `%xx`.
    private static func receivedLength(of prefix: [UInt8], in path: UnsafeRawBufferPointer) -> Int? {
        var at = 0
        for wanted in prefix {
            guard at < path.count else { return nil }
            if path[at] == wanted || isHexDigit(at, of: path) && path[at] == wanted | 0x20 {
                at += 1
            } else if path[at] == 0x25, at + 2 < path.count, escapedByte(path, at) == wanted {
                at += 3
            } else {
                return nil
            }
        }
        return at
    }

    /// One of the two digits behind a `%`: normalised in upper case, received in either.
    private static func isHexDigit(_ at: Int, of path: UnsafeRawBufferPointer) -> Bool {
        guard hexDigit(path[at]) != nil else { return false }
        return at >= 1 && path[at - 1] == 0x25 || at >= 2 && path[at - 2] == 0x25
    }

    private static func escapedByte(_ path: UnsafeRawBufferPointer, _ at: Int) -> UInt8? {
        guard let high = hexDigit(path[at + 1]), let low = hexDigit(path[at + 2]) else { return nil }
        return high << 4 | low
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
