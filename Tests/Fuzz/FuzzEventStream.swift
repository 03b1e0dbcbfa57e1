/// Event streams: octet by octet, the scanner agrees with a plain reading of the lines, with and without
/// framing.

private func sees(_ bytes: [UInt8], step: Int) -> Bool {
    var scanner = EventStreamScanner()
    for start in stride(from: 0, to: bytes.count, by: step) {
        let piece = bytes[start..<min(start + step, bytes.count)]
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: piece)
        scanner.scan(UnsafeRawBufferPointer(exact))
    }
    return scanner.sawDone
}

private func framed(_ bytes: [UInt8], chunk: Int) -> [UInt8] {
    var output: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: chunk) {
        let piece = bytes[start..<min(start + chunk, bytes.count)]
        output += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [0x0D, 0x0A]
    }
    return output
}

private func hasDoneLine(_ bytes: [UInt8]) -> Bool {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    return lines.dropLast().contains {
        $0.elementsEqual("data: [DONE]".utf8) || $0.elementsEqual("data:[DONE]".utf8)
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEventStream(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 2 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let step = 1 + Int(input[0]) % 37
    let chunk = 1 + Int(input[1]) % 37
    // Without CR, whether it frames or ends a line is no question.
    let stream = input.dropFirst(2).filter { $0 != 0x0D }
    precondition(sees(stream, step: 1) == hasDoneLine(stream))
    precondition(sees(framed(stream, chunk: chunk), step: 1) == hasDoneLine(stream))
    // In longer pieces only their end is read: never seen where it is not.
    precondition(hasDoneLine(stream) || !sees(stream, step: step))
    // With CR anything may come out, but within the octets.
    _ = sees(Array(input.dropFirst(2)), step: step)
    return 0
}
