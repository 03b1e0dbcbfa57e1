/// JSON: the reader takes any octets without a trap and stays within them; what is read, written and read
/// again is the same.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    // Why a copy of its exact size: a read beyond it is a finding.
    let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { exact.deallocate() }
    exact.copyBytes(from: bytes)
    let isRead = readAll(UnsafeRawBufferPointer(exact))
    switch Result(catching: { () throws(JSONError) in try JSONValue.parse(bytes) }) {
    case .success(let tree):
        precondition(isRead, "parsed what cannot be read")
        for indent in [nil, 2] {
            var writer = JSONWriter(indent: indent)
            writer.value(tree)
            let again = Result { () throws(JSONError) in try JSONValue.parse(writer.bytes, limitBytes: .max) }
            precondition(again == .success(tree), "written and read again it is another")
            var second = JSONWriter(indent: indent)
            second.value(tree)
            precondition(second.bytes == writer.bytes)
        }
    case .failure(let error):
        precondition((0...count).contains(error.offset))
        precondition(!isRead || error.reason == .duplicateKey, "refused what can be read")
    }
    return 0
}

/// Whether all of it is JSON by its events, each of which lies behind the one before.
private func readAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = JSONReader(bytes)
    var last = 0
    while true {
        switch Result(catching: { () throws(JSONError) in try reader.next() }) {
        case .success(.end): return true
        case .success(let event):
            precondition(last <= reader.start && reader.start < reader.offset && reader.offset <= bytes.count)
            last = reader.offset
            check(event, reader)
        case .failure: return false
        }
    }
}

private func check(_ event: JSONEvent, _ reader: JSONReader) {
    switch event {
    case .key(let string), .string(let string):
        precondition(string.hasEscapes || reader.text(string) == reader.raw(string.range))
        // Why: a replacement character that was not written would be octets that are no text.
        precondition(reader.text(string).utf8.count <= string.range.count)
    case .number(let range, _): precondition(!range.isEmpty)
    case .beginObject, .beginArray: precondition(reader.depth >= 1)
    case .endObject, .endArray, .bool, .null, .end: break
    }
}
