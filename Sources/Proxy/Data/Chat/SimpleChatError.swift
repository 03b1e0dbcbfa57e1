import JSON

/// What of an upstream's error reaches the client of a `simple_chat` route.
enum SimpleChatError {
    /// `error.message` of a JSON text in the shape that the OpenAI API has for errors, and nothing else.
    ///
    /// - Returns: the string with its quotes, within `body`, as it is written; nil where there is none, or an
    ///   empty one.
    static func message(of body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var reader = JSONReader(body, depthLimit: JSONReader.depthMax)
        var message: Range<Int>?
        do throws(JSONError) {
            guard try reader.next() == .beginObject else { return nil }
            while case .key(let key) = try reader.next() {
                if reader.isEqual(key, "error") {
                    message = try readError(&reader)
                } else {
                    _ = try reader.skipValue()
                }
            }
            guard try reader.next() == .end else { return nil }
        } catch { return nil }
        return message.map { UnsafeRawBufferPointer(rebasing: body[$0]) }
    }

    private static func readError(_ reader: inout JSONReader) throws(JSONError) -> Range<Int>? {
        let outside = reader.depth
        var message: Range<Int>?
        if try reader.next() == .beginObject {
            while case .key(let key) = try reader.next() {
                guard reader.isEqual(key, "message") else {
                    _ = try reader.skipValue()
                    continue
                }
                let depth = reader.depth
                message = nil
                if case .string(let text) = try reader.next(), !text.range.isEmpty {
                    message = text.range.lowerBound - 1..<text.range.upperBound + 1
                }
                while reader.depth > depth { _ = try reader.next() }
            }
        }
        while reader.depth > outside { _ = try reader.next() }
        return message
    }
}
