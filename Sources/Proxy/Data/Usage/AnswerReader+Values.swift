/// The parts of a text that are no structure: numbers and words, what is split over pieces, what is skimmed.
extension AnswerReader {
    // MARK: Numbers and words

    @inline(__always)
    mutating func beginScalar(_ byte: UInt8) -> Bool {
        guard isValueExpected, JSONScan.isScalar(byte) else { return false }
        let isCount = depth == usageDepth && key.isCount || depth == detailsDepth && key == .cachedTokens
        purpose = isCount && depth > 1 ? .count : .nothing
        carryCount = 0
        mode = .scalar
        return true
    }

    mutating func readScalar(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        let stop = JSONScan.scalarEnd(base, from: start, end: end)
        if purpose == .count {
            if stop < end, carryCount == 0 {
                count(UsageMembers.count(base + start, count: stop &- start))
            } else {
                keep(base + start, count: stop &- start)
                if stop < end { count(carriedCount()) }
            }
        }
        if stop < end {
            mode = .between
            valueEnded()
        }
        return stop
    }

    private mutating func count(_ value: UInt64?) {
        guard let value else { return }
        if key == .totalTokens { total = value } else { members.set(key, to: value) }
    }

    // MARK: What is split over pieces

    mutating func keep(_ base: UnsafeRawPointer, count: Int) {
        guard carryCount != AnswerReader.carryLost, Int(carryCount) + count <= carry.count else {
            carryCount = AnswerReader.carryLost
            return
        }
        for index in 0..<count { carry[Int(carryCount) + index] = ByteScan.octet(base, index) }
        carryCount += UInt8(count)
    }

    @inline(never)
    func carriedKey() -> AnswerKey {
        guard carryCount != AnswerReader.carryLost else { return .none }
        return withUnsafeBytes(of: carry) { AnswerKey($0.baseAddress!, count: Int(carryCount)) }
    }

    @inline(never)
    private func carriedCount() -> UInt64? {
        guard carryCount != AnswerReader.carryLost else { return nil }
        return withUnsafeBytes(of: carry) { UsageMembers.count($0.baseAddress!, count: Int(carryCount)) }
    }

    // MARK: What is of no interest

    @inline(never)
    mutating func skim(_ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ isLine: Bool) -> Int {
        var offset = start
        while true {
            offset = JSONScan.nestingStop(base, from: offset, end: end)
            guard offset < end, !isLineEnd(base, offset, isLine) else { return offset }
            switch ByteScan.octet(base, offset) {
            case UInt8(ascii: "\""):
                mode = .skimString
                offset = skimString(base, offset &+ 1, end, isLine)
                guard mode == .skim else { return offset }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard skimDepth < .max else { return broken(offset) }
                skimDepth &+= 1
                offset &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                skimDepth &-= 1
                offset &+= 1
                guard skimDepth > 0 else {
                    mode = .between
                    valueEnded()
                    return offset
                }
            default: offset &+= 1
            }
        }
    }

    mutating func skimString(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        let stop = JSONScan.stringStop(base, from: start, end: end)
        guard stop < end else { return stop }
        guard !isLineEnd(base, stop, isLine) else { return broken(stop) }
        switch ByteScan.octet(base, stop) {
        case UInt8(ascii: "\""): mode = .skim
        case UInt8(ascii: "\\"): mode = .skimEscape
        default: break
        }
        return stop &+ 1
    }
}
