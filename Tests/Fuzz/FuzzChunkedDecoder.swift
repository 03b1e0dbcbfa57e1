/// Chunked bodies: whatever the octets and however they are cut, the output is the same; what is forwarded as
/// `.framed` is itself a chunked body with the content that `.data` gives.

private struct Decoded: Equatable {
    var output: [UInt8] = []
    var consumed = 0
    var dataBytes = 0
    var progress = ChunkedDecoder.Progress.more
}

/// Feeds `bytes` in pieces of `step` octets, each in memory of exactly its size.
private func decode(_ bytes: ArraySlice<UInt8>, step: Int, _ output: ChunkedDecoder.Output) -> Decoded {
    var decoder = ChunkedDecoder()
    var decoded = Decoded()
    var rest = bytes
    while decoded.progress == .more, !rest.isEmpty {
        let piece = rest.prefix(step)
        rest = rest.dropFirst(step)
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: piece)
        let result = decoder.decode(exact, output: output)
        precondition(result.forwarded <= result.consumed && result.consumed <= piece.count)
        precondition(result.dataBytes <= result.forwarded)
        precondition(result.progress != .more || result.consumed == piece.count)
        decoded.output += exact[..<result.forwarded]
        decoded.consumed += result.consumed
        decoded.dataBytes += result.dataBytes
        decoded.progress = result.progress
    }
    return decoded
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzChunkedDecoder(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    // The first octet says how the rest is cut.
    let step = 1 + Int(bytes[0]) % 37
    let body = bytes.dropFirst()
    let framed = decode(body, step: body.count, .framed)
    precondition(decode(body, step: step, .framed) == framed)
    precondition(decode(body, step: 1, .framed) == framed)
    let data = decode(body, step: body.count, .data)
    precondition(decode(body, step: step, .data) == data)
    precondition(data.consumed == framed.consumed && data.progress == framed.progress)
    precondition(data.output.count == data.dataBytes && framed.dataBytes == data.dataBytes)
    let again = decode(framed.output[...], step: step, .data)
    precondition(again.output == data.output)
    if framed.progress == .trailers {
        let completed = decode((framed.output + Array("0\r\n".utf8))[...], step: step, .framed)
        precondition(completed.output == framed.output && completed.progress == .trailers)
    }
    return 0
}
