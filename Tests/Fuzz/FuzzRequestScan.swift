/// Request bodies: the scan takes any octets without a trap, agrees with the reader on what is JSON, and its
/// edit leaves a body that asks for its usage and else for the same.

private func scan(_ bytes: [UInt8]) -> RequestScan.Outcome {
    // Why a copy of its exact size: a read beyond it is a finding.
    let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { exact.deallocate() }
    exact.copyBytes(from: bytes)
    return RequestScan.scan(UnsafeRawBufferPointer(exact))
}

private func isJSON(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
        var reader = JSONReader(bytes, depthLimit: JSONReader.depthMax)
        while true {
            switch Result(catching: { () throws(JSONError) in try reader.next() }) {
            case .success(.end): return true
            case .success: continue
            case .failure: return false
            }
        }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestScan(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    switch scan(bytes) {
    case .failure(.notJSON): precondition(!isJSON(bytes), "refused what can be read")
    case .failure: break
    case .facts(var facts):
        precondition(isJSON(bytes), "took what cannot be read")
        precondition(facts.choices >= 1)
        if let model = facts.model { precondition(model.range.upperBound < count) }
        guard let edit = facts.usageEdit else { break }
        var edited = bytes
        let removed = edit.offset..<edit.offset + edit.removeCount
        edited.replaceSubrange(removed, with: Array(edit.insertion.description.utf8))
        guard case .facts(let again) = scan(edited) else { fatalError("edited it cannot be read") }
        // The model may stand behind the edit.
        precondition(again.model?.range.count == facts.model?.range.count)
        facts.model = again.model
        facts.usageEdit = nil
        precondition(again == facts, "edited it is another, or does not ask")
    }
    return 0
}
