/// Response heads and trailer sections: whatever the octets, the parser stays within them and gives the
/// same answer however they arrive.

private let limits = HeadLimits(maxBytes: 2048, maxFields: 32)
private nonisolated(unsafe) let fields = FieldTable()

private enum Answer: Equatable {
    case incomplete
    case refused(HeadError)
    case accepted(byteCount: Int, framing: BodyFraming)
}

private typealias Parse = (UnsafeRawBufferPointer) -> Answer

private func response(_ bytes: UnsafeRawBufferPointer, toHead: Bool) -> Answer {
    do throws(HeadError) {
        let parsed = try HeadParser.parseResponse(bytes, toHead: toHead, limits: limits, fields: fields)
        guard let head = parsed else { return .incomplete }
        precondition((100..<600).contains(head.status))
        precondition(Int(head.reason.end) <= head.byteCount)
        let hasBody = !toHead && head.status >= 200 && head.status != 204 && head.status != 304
        precondition(hasBody == (head.framing != .none))
        precondition(head.version == .http11 || head.framing != .chunked)
        checkLines(head.fieldCount, head.byteCount, bytes)
        return .accepted(byteCount: head.byteCount, framing: head.framing)
    } catch {
        return .refused(error)
    }
}

private func trailers(_ bytes: UnsafeRawBufferPointer) -> Answer {
    do throws(HeadError) {
        let parsed = try HeadParser.parseTrailers(bytes, limits: limits, fields: fields)
        guard let section = parsed else { return .incomplete }
        checkLines(section.fieldCount, section.byteCount, bytes)
        for index in 0..<section.fieldCount where fields.lines[index].known != .other {
            precondition(fields.lines[index].isHopByHop)
        }
        return .accepted(byteCount: section.byteCount, framing: .none)
    } catch {
        return .refused(error)
    }
}

private func checkLines(_ fieldCount: Int, _ byteCount: Int, _ bytes: UnsafeRawBufferPointer) {
    precondition(byteCount <= min(bytes.count, limits.maxBytes) && fieldCount <= limits.maxFields)
    for index in 0..<fieldCount {
        let line = fields.lines[index]
        precondition(
            !line.name.isEmpty && line.name.end < line.value.start && Int(line.value.end) < byteCount)
        for byte in bytes[Int(line.name.start)..<Int(line.value.end)] {
            precondition(byte != 0x0D && byte != 0x0A && byte != 0 && byte != 0x7F)
        }
    }
}

/// In memory of exactly the size of `bytes`, so that each octet read beyond them is reported.
private func parseExact(_ bytes: UnsafeRawBufferPointer, _ parse: Parse) -> Answer {
    let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { exact.deallocate() }
    exact.copyMemory(from: bytes)
    return parse(UnsafeRawBufferPointer(exact))
}

private func checkPrefixes(_ bytes: UnsafeRawBufferPointer, _ scanner: HeadEndScanner, _ parse: Parse) {
    var scanner = scanner
    let whole = parseExact(bytes, parse)
    for end in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 64)) {
        let prefix = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        let answer = parseExact(prefix, parse)
        precondition(answer == .incomplete || answer == whole)
        if scanner.scan(prefix) == .found {
            precondition(answer != .incomplete)
            break
        }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzResponseHead(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    checkPrefixes(bytes, HeadEndScanner()) { response($0, toHead: false) }
    checkPrefixes(bytes, HeadEndScanner()) { response($0, toHead: true) }
    checkPrefixes(bytes, .trailers, trailers)
    return 0
}
