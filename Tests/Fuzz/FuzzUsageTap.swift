/// Answers: however the octets are cut, a tap has seen the same, and a filter passes the same.

private struct Seen: Equatable {
    var usage: AnswerUsage?
    var tokens: UInt64
    var model: [UInt8]
    var sawDone: Bool
    var isAtEventBoundary: Bool

    init(_ tap: UsageTap) {
        usage = tap.reported
        tokens = tap.outputTokensSeen
        model = tap.model.withBytes { Array($0) }
        sawDone = tap.sawDone
        isAtEventBoundary = tap.isAtEventBoundary
    }
}

/// - Parameter step: octets of each piece, which is a copy of its exact size: a read beyond it is a finding.
private func pieces(_ bytes: ArraySlice<UInt8>, step: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: step) {
        let piece = bytes[start..<min(start + step, bytes.endIndex)]
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: piece)
        body(exact)
    }
}

private func seen(_ bytes: ArraySlice<UInt8>, isEventStream: Bool, step: Int) -> Seen {
    var tap = UsageTap(isEventStream: isEventStream)
    pieces(bytes, step: step) { tap.scan(UnsafeRawBufferPointer($0)) }
    tap.finish()
    return Seen(tap)
}

private func passed(_ bytes: ArraySlice<UInt8>, step: Int) -> ([UInt8], Seen) {
    let blocks = BlockPool()
    var tap = UsageTap(isEventStream: true)
    var filter = UsageChunkFilter()
    var output: [UInt8] = []
    pieces(bytes, step: step) { piece in
        let out = filter.take(piece, through: &tap, blocks: blocks)
        output += Array(out.first) + Array(out.second)
    }
    output += Array(filter.finish(blocks: blocks))
    filter.release(to: blocks)
    tap.finish()
    return (output, Seen(tap))
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzUsageTap(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let step = 1 + Int(input[0]) % 41
    let answer = input.dropFirst()
    for isEventStream in [false, true] {
        let whole = seen(answer, isEventStream: isEventStream, step: count)
        precondition(
            seen(answer, isEventStream: isEventStream, step: 1) == whole, "octet by octet it is another")
        precondition(seen(answer, isEventStream: isEventStream, step: step) == whole, "cut it is another")
        guard isEventStream else { continue }
        let filtered = passed(answer, step: count)
        precondition(filtered.1 == whole, "behind the filter it is another")
        precondition(passed(answer, step: 1) == filtered && passed(answer, step: step) == filtered)
        precondition(filtered.0.count <= answer.count)
    }
    return 0
}
