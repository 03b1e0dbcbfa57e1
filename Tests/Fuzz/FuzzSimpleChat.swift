/// `simple_chat`: however a stream is cut, the same comes out; what comes out of anything can be read by the
/// simplest client; a request that passes is JSON.

private func exact<Value>(_ bytes: ArraySlice<UInt8>, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
    // Why a copy of its exact size: a read beyond it is a finding.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    return body(UnsafeRawBufferPointer(copy))
}

private func isJSON(_ bytes: some Collection<UInt8>, first: JSONEvent? = nil) -> Bool {
    Array(bytes).withUnsafeBytes { bytes in
        var reader = JSONReader(bytes, depthLimit: JSONReader.depthMax)
        var isFirst = true
        while true {
            guard let event = try? reader.next() else { return false }
            if isFirst, let first, event != first { return false }
            isFirst = false
            if event == .end { return true }
        }
    }
}

private func streamed(_ bytes: ArraySlice<UInt8>, step: Int) -> ([UInt8], SimpleChatStream.Progress) {
    let blocks = BlockPool()
    var stream = SimpleChatStream()
    var output = ByteQueue()
    for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: step) {
        exact(bytes[start..<min(start + step, bytes.endIndex)]) { piece in
            _ = stream.take(piece, into: &output, blocks: blocks)
        }
    }
    let progress = stream.finish(into: &output, blocks: blocks)
    defer { output.release(to: blocks) }
    return (Array(output.bytes), progress)
}

/// `data: {…}` or `data: [DONE]`, each followed by an empty line.
private func checkEvents(_ output: [UInt8], isDone: Bool) {
    guard !output.isEmpty else { return precondition(!isDone) }
    precondition(output.suffix(2) == [0x0A, 0x0A] && !output.contains(0x0D))
    let lines = output.dropLast(2).split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
        guard index % 2 == 0 else {
            precondition(line.isEmpty)
            continue
        }
        precondition(line.starts(with: "data: ".utf8))
        let data = line.dropFirst(6)
        if index == lines.count - 1, isDone {
            precondition(data.elementsEqual("[DONE]".utf8))
        } else {
            precondition(isJSON(data, first: .beginObject))
        }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSimpleChat(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let bytes = input.dropFirst()
    let whole = streamed(bytes, step: count)
    precondition(streamed(bytes, step: 1) == whole, "octet by octet it is another")
    precondition(streamed(bytes, step: 1 + Int(input[0]) % 41) == whole, "cut it is another")
    // The last event may come without its end, which goes out with it.
    precondition(whole.0.count <= bytes.count + bytes.count / 4 + 3)
    checkEvents(whole.0, isDone: whole.1 == .done)
    if exact(bytes, SimpleChatRequest.check) != .invalid { precondition(isJSON(bytes, first: .beginObject)) }
    let blocks = BlockPool()
    var answer = ByteQueue()
    if exact(bytes, { SimpleChatAnswer.write($0, to: &answer, blocks: blocks) }) {
        precondition(isJSON(bytes) && isJSON(answer.bytes, first: .beginObject))
    } else {
        precondition(answer.isEmpty)
    }
    answer.release(to: blocks)
    if let message = exact(bytes, { SimpleChatError.message(of: $0).map { Array($0) } }) {
        precondition(isJSON(bytes) && isJSON(message) && message.count > 2)
    }
    return 0
}
