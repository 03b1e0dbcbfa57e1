/// Request heads: whatever the octets, the parser stays within them, gives the same answer however they
/// arrive, and accepts nothing that could be read in two ways.

private let limits = HeadLimits(maxBytes: 2048, maxFields: 32)
private nonisolated(unsafe) let fields = FieldTable()

private enum Answer: Equatable {
    case incomplete
    case refused(HeadError)
    case accepted(byteCount: Int)
}

/// In memory of exactly the size of `bytes`, so that each octet read beyond them is reported.
private func parse(_ bytes: UnsafeRawBufferPointer) -> Answer {
    let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { exact.deallocate() }
    exact.copyMemory(from: bytes)
    let input = UnsafeRawBufferPointer(exact)
    do throws(HeadError) {
        guard let head = try HeadParser.parseRequest(input, limits: limits, fields: fields) else {
            return .incomplete
        }
        check(head, input)
        return .accepted(byteCount: head.byteCount)
    } catch {
        return .refused(error)
    }
}

private func check(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) {
    precondition(head.byteCount <= min(bytes.count, limits.maxBytes))
    precondition(bytes[head.byteCount - 1] == 0x0A && bytes[head.byteCount - 2] == 0x0D)
    precondition(head.fieldCount <= limits.maxFields)
    for range in [head.methodBytes, head.path, head.query, head.authority, head.host] {
        checkText(range, head.byteCount, bytes)
    }
    var hosts = 0
    for index in 0..<head.fieldCount {
        let line = fields.lines[index]
        precondition(!line.name.isEmpty)
        checkText(line.name, head.byteCount, bytes)
        checkText(line.value, head.byteCount, bytes)
        if line.known == .host { hosts += 1 }
    }
    precondition(hosts == 1 || (hosts == 0 && head.version == .http10))
    precondition(head.version == .http10 || !head.host.isEmpty)
    precondition(head.version == .http11 || head.framing != .chunked)
    precondition(head.framing != .untilClose && head.method != .connect)
    checkPath(head, bytes)
}

/// Within the head, and nothing in it that ends a line.
private func checkText(_ range: ByteRange, _ byteCount: Int, _ bytes: UnsafeRawBufferPointer) {
    precondition(Int(range.end) <= byteCount)
    for byte in bytes[Int(range.start)..<Int(range.end)] {
        precondition(byte != 0x0D && byte != 0x0A && byte != 0 && byte != 0x7F)
    }
}

/// Decoded as far as it can be, the path has no dot segment.
private func checkPath(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) {
    guard !head.pathIsImplied else { return }
    let path = UnsafeRawBufferPointer(rebasing: bytes[Int(head.path.start)..<Int(head.path.end)])
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: path.count, alignment: 1)
    defer { output.deallocate() }
    let count = normalizePath(path, into: output)
    precondition(count <= path.count)
    if head.method == .options, path.elementsEqual("*".utf8) { return }
    precondition(path.first == UInt8(ascii: "/"))
    for segment in output[..<count].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        precondition(!segment.elementsEqual(".".utf8) && !segment.elementsEqual("..".utf8))
        precondition(!segment.contains(UInt8(ascii: "\\")) && !segment.contains(UInt8(ascii: "#")))
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestHead(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let whole = parse(bytes)
    var scanner = HeadEndScanner()
    // Octet by octet is quadratic here: at most 64 prefixes, spread over the input.
    for end in stride(from: 0, to: count, by: max(1, count / 64)) {
        let prefix = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        let answer = parse(prefix)
        precondition(answer == .incomplete || answer == whole)
        if scanner.scan(prefix) == .found {
            precondition(answer != .incomplete)
            break
        }
    }
    return 0
}
