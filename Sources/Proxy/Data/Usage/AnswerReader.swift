/// Reads one JSON text of an answer in pieces of any size, split at any octet, and keeps of it what
/// accounting needs: the usage object, how much text there was, the model, whether `choices` was empty.
///
/// Knows where it is by a depth and the key at depth 1. `usage` counts at depth 1, or at depth 2 below
/// `response`, `message` or `x_groq`, and nowhere else: what a client makes an upstream echo (tools, schemas,
/// metadata) is deeper or a string. What lies below keys of no interest is skimmed: strings and brackets
/// alone are looked at.
///
/// No validator: where a text breaks the grammar that it follows, the rest is ignored, and of a usage object
/// that was open nothing counts.
///
/// Cost: no allocation; octets in strings and below keys of no interest are passed sixteen at a time.
struct AnswerReader {
    enum Mode: UInt8 {
        /// Before a token.
        case between
        case string, escape
        /// A number or a word.
        case scalar
        /// Within a container of no interest.
        case skim, skimString, skimEscape
        /// To the end of the text.
        case ignored
    }

    enum Expected: UInt8 { case value, valueOrEnd, key, keyOrEnd, colon, commaOrEnd }

    /// What a string, number or word is read for.
    enum Purpose: UInt8 { case nothing, key, text, model, count }

    /// Containers that are told apart as objects and arrays; beyond, they are skimmed.
    static let depthMax: UInt8 = 32

    var mode = Mode.between
    var expected = Expected.value
    var purpose = Purpose.nothing
    /// The latest key, for the value that follows; none in arrays.
    var key = AnswerKey.none
    /// The key at depth 1 that the reader stands behind.
    var key1 = AnswerKey.none
    /// Open containers, those that are skimmed not counted.
    var depth: UInt8 = 0
    /// Below a key at depth 1 that holds text.
    var isInText = false
    /// Depth within the usage object that is open, and within its details; 0: none is.
    var usageDepth: UInt8 = 0
    var detailsDepth: UInt8 = 0
    var choices = Choices.unseen
    /// Usage objects that were whole.
    var usageSeen = UsageSeen.none
    /// Octets of `carry`; `carryLost`: there were more.
    var carryCount: UInt8 = 0
    /// Bit `n` is set where the container at depth `n + 1` is an object.
    var objects: UInt32 = 0
    /// Open containers below the one that is skimmed, itself included.
    var skimDepth: UInt32 = 0
    /// For whoever adds up texts: the sum at the latest that had a usage object. Outlives `reset`.
    var tokensAtUsage: UInt32 = 0
    /// Octets of text in this JSON text. Signed: `\u` counts below nothing until its digits have come.
    var textBytes: Int64 = 0
    /// Of the usage object that is open.
    var members = UsageMembers()
    var total: UInt64 = 0
    /// A key or a number, as much as has come.
    var carry = InlineArray<32, UInt8>(repeating: 0)

    /// The latest usage object that was whole, merged with those before; outlives `reset`.
    var settled = UsageMembers()
    /// Outlives `reset`.
    var model = AnswerModel()

    static let carryLost: UInt8 = .max

    enum Choices: UInt8 { case unseen, empty, some }

    /// Where a usage object stood: at depth 1, or below.
    enum UsageSeen: UInt8, Comparable {
        case none, below, atTop

        static func < (one: UsageSeen, other: UsageSeen) -> Bool { one.rawValue < other.rawValue }
    }

    /// Forgets the text, for the next one.
    mutating func reset() {
        mode = .between
        expected = .value
        key = .none
        key1 = .none
        depth = 0
        isInText = false
        usageDepth = 0
        detailsDepth = 0
        choices = .unseen
        usageSeen = .none
        textBytes = 0
    }

    /// Whether the text was one value, whole.
    var isWhole: Bool { mode == .between && depth == 0 && expected == .commaOrEnd }

    /// Whether nothing of the text has come yet.
    var isAtStart: Bool { mode == .between && depth == 0 && expected == .value }

    /// - Parameter isLine: the text stands in `data:` lines; a whole answer otherwise.
    /// - Returns: the end, or in lines the CR or LF that ends this one.
    mutating func read(_ base: UnsafeRawPointer, from start: Int, end: Int, isLine: Bool) -> Int {
        var offset = start
        if isAtStart {
            offset = readWhole(base, start, end, isLine)
            if offset > start, offset < end, isLineEnd(base, offset, isLine) { return offset }
        }
        while offset < end {
            switch mode {
            case .between: offset = readTokens(base, offset, end, isLine)
            case .string:
                let stop = JSONScan.stringStop(base, from: offset, end: end)
                offset = takeString(base, offset, stop, end, isLine)
            case .escape: offset = readEscape(base, offset)
            case .scalar: offset = readScalar(base, offset, end)
            case .skim: offset = skim(base, offset, end, isLine)
            case .skimString: offset = skimString(base, offset, end, isLine)
            case .skimEscape:
                mode = isLineEnd(base, offset, isLine) ? .ignored : .skimString
                if mode == .skimString { offset &+= 1 }
            case .ignored: return isLine ? JSONScan.lineEnd(base, from: offset, end: end) : end
            }
            if offset < end, isLineEnd(base, offset, isLine) { return lineEnded(offset) }
        }
        return offset
    }

    /// A string cannot go on in the next line.
    private mutating func lineEnded(_ offset: Int) -> Int {
        switch mode {
        case .string, .escape, .skimString, .skimEscape: mode = .ignored
        case .between, .scalar, .skim, .ignored: break
        }
        return offset
    }

    /// Reads a text that is whole and written the usual way in one go.
    /// - Returns: its end; `start` if nothing was read.
    @inline(never)
    private mutating func readWhole(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        guard let text = WholeJSON(base, from: start, end: end, isLine: isLine) else { return start }
        var whole = WholeAnswerReader(text, isModelKnown: model.isWhole)
        let stop = whole.read(from: start)
        guard stop >= 0 else { return start }
        expected = .commaOrEnd
        textBytes = Int64(whole.textBytes)
        choices = whole.choices
        if let name = whole.model {
            model.restart()
            model.append(base + name.lowerBound, count: name.count)
            model.end()
        }
        if whole.usageKey != .none {
            if whole.total > 0 { whole.members.settle(total: whole.total) }
            settle(whole.members, below: whole.usageKey)
        }
        return stop
    }

    @inline(__always)
    func isLineEnd(_ base: UnsafeRawPointer, _ offset: Int, _ isLine: Bool) -> Bool {
        guard isLine else { return false }
        let byte = ByteScan.octet(base, offset)
        return byte == Byte.lf || byte == Byte.cr
    }

    // MARK: Tokens

    /// Up to the end, a line's end, or what another mode reads.
    @inline(never)
    private mutating func readTokens(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        var offset = start
        while offset < end {
            let byte = ByteScan.octet(base, offset)
            switch byte {
            case UInt8(ascii: "\""):
                offset = readString(base, offset &+ 1, end, isLine)
            case UInt8(ascii: ":"):
                guard expected == .colon else { return broken(offset) }
                expected = .value
                offset &+= 1
            case UInt8(ascii: ","):
                guard expected == .commaOrEnd, depth > 0 else { return broken(offset) }
                key = .none
                expected = isInObject ? .key : .value
                offset &+= 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                offset &+= 1
                open(isObject: byte == UInt8(ascii: "{"), isLine)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard close(isObject: byte == UInt8(ascii: "}")) else { return broken(offset) }
                offset &+= 1
            case Byte.space, Byte.htab: offset &+= 1
            case Byte.lf, Byte.cr:
                if isLine { return offset }
                offset &+= 1
            default:
                guard beginScalar(byte) else { return broken(offset) }
                offset = readScalar(base, offset, end)
            }
            if mode != .between { return offset }
        }
        return offset
    }

    mutating func broken(_ offset: Int) -> Int {
        mode = .ignored
        return offset
    }

    private var isInObject: Bool { objects &>> UInt32(depth &- 1) & 1 == 1 }

    var isValueExpected: Bool { expected == .value || expected == .valueOrEnd }

    mutating func valueEnded() { expected = .commaOrEnd }

    // MARK: Containers

    private mutating func open(isObject: Bool, _ isLine: Bool) {
        guard isValueExpected else {
            mode = .ignored
            return
        }
        if depth == 2, key1 == .choices { choices = .some }
        guard depth < AnswerReader.depthMax, isOfInterest(isObject, isLine) else {
            mode = .skim
            skimDepth = 1
            return
        }
        if depth == 1 {
            isInText = key == .choices || key == .delta || isTextAtTop(key, isLine)
        }
        if isObject, key == .usage, !isInText, usageDepth == 0 {
            usageDepth = depth + 1
            members = UsageMembers()
            total = 0
        } else if key == .details, usageDepth == depth {
            detailsDepth = depth + 1
        }
        let bit: UInt32 = 1 &<< UInt32(depth)
        if isObject { objects |= bit } else { objects &= ~bit }
        depth &+= 1
        key = .none
        expected = isObject ? .keyOrEnd : .valueOrEnd
    }

    /// Whether something may count within the container that begins, behind `key`.
    private func isOfInterest(_ isObject: Bool, _ isLine: Bool) -> Bool {
        switch depth {
        case 0: return isObject
        case 1:
            if key == .choices || key == .delta { return true }
            return isObject ? key == .usage || key.wrapsUsage : isTextAtTop(key, isLine)
        default:
            if isInText { return key != .reasoningDetails }
            if usageDepth > 0 { return isObject && usageDepth == depth && key == .details }
            return isObject && depth == 2 && key == .usage && key1.wrapsUsage
        }
    }

    /// A whole answer also has its text in `output` (Responses API) or `content` (Anthropic).
    private func isTextAtTop(_ key: AnswerKey, _ isLine: Bool) -> Bool {
        !isLine && (key == .output || key == .content)
    }

    /// - Returns: false if there is none to close.
    private mutating func close(isObject: Bool) -> Bool {
        guard depth > 0, isInObject == isObject else { return false }
        guard expected == .commaOrEnd || expected == (isObject ? .keyOrEnd : .valueOrEnd) else {
            return false
        }
        if depth == 2, key1 == .choices, !isObject {
            choices = expected == .valueOrEnd && choices != .some ? .empty : .some
        }
        if depth == usageDepth { settle() }
        if depth == detailsDepth { detailsDepth = 0 }
        depth &-= 1
        if depth == 1 { isInText = false }
        valueEnded()
        return true
    }

    /// The usage object is whole.
    @inline(never)
    private mutating func settle() {
        if total > 0 { members.settle(total: total) }
        settle(members, below: depth == 2 ? .usage : key1)
        usageDepth = 0
    }

    /// - Parameter key: at depth 1, `usage` itself or what wraps it.
    private mutating func settle(_ members: UsageMembers, below key: AnswerKey) {
        guard !members.isEmpty else { return }
        settled.merge(members)
        usageSeen = key == .usage ? .atTop : max(usageSeen, .below)
    }

    // MARK: Strings

    /// A string from behind its opening quote, and of an object the members that follow in one go.
    @inline(__always)
    private mutating func readString(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        switch expected {
        case .key, .keyOrEnd: readMembers(base, start, end, isLine)
        case .value, .valueOrEnd: readValue(base, start, end, isLine)
        case .colon, .commaOrEnd: broken(start)
        }
    }

    /// Members whose values are strings, from behind the opening quote of a key; one after the other as long
    /// as they are written in the usual way and whole.
    @inline(__always)
    private mutating func readMembers(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        var offset = start
        while true {
            let stop = JSONScan.stringStop(base, from: offset, end: end)
            guard stop < end, ByteScan.octet(base, stop) == UInt8(ascii: "\"") else {
                return beginString(.key, base, offset, stop, end, isLine)
            }
            key = AnswerKey(base + offset, count: stop &- offset)
            if depth == 1 { key1 = key }
            offset = stop &+ 1
            guard offset < end, ByteScan.octet(base, offset) == UInt8(ascii: ":") else {
                expected = .colon
                return offset
            }
            expected = .value
            offset = afterSpace(base, offset &+ 1, end)
            guard offset < end, ByteScan.octet(base, offset) == UInt8(ascii: "\"") else { return offset }
            offset = readValue(base, offset &+ 1, end, isLine)
            guard mode == .between, offset < end, ByteScan.octet(base, offset) == UInt8(ascii: ",") else {
                return offset
            }
            let next = afterSpace(base, offset &+ 1, end)
            guard next < end, ByteScan.octet(base, next) == UInt8(ascii: "\"") else { return offset }
            offset = next &+ 1
        }
    }

    @inline(__always)
    private func afterSpace(_ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        offset < end && ByteScan.octet(base, offset) == Byte.space ? offset &+ 1 : offset
    }

    /// A value from behind its opening quote.
    @inline(__always)
    private mutating func readValue(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        let purpose = valuePurpose()
        let stop = JSONScan.stringStop(base, from: start, end: end)
        guard stop < end, ByteScan.octet(base, stop) == UInt8(ascii: "\""), purpose != .model else {
            return beginString(purpose, base, start, stop, end, isLine)
        }
        if purpose == .text { textBytes &+= Int64(stop &- start) }
        valueEnded()
        return stop &+ 1
    }

    /// A string that is not whole, has escapes, or is kept.
    @inline(never)
    private mutating func beginString(
        _ purpose: Purpose, _ base: UnsafeRawPointer, _ start: Int, _ stop: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        self.purpose = purpose
        mode = .string
        carryCount = 0
        return takeString(base, start, stop, end, isLine)
    }

    @inline(__always)
    private mutating func valuePurpose() -> Purpose {
        if isInText { return key.isText ? .text : .nothing }
        guard key == .model || key == .delta else { return .nothing }
        if key == .delta { return depth == 1 ? .text : .nothing }
        guard !model.isWhole, depth == 1 || depth == 2 && key1.wrapsUsage else { return .nothing }
        model.restart()
        return .model
    }

    /// The part of a string from `start` to `stop`, and what is there.
    @inline(never)
    private mutating func takeString(
        _ base: UnsafeRawPointer, _ start: Int, _ stop: Int, _ end: Int, _ isLine: Bool
    ) -> Int {
        let isEnd = stop < end && ByteScan.octet(base, stop) == UInt8(ascii: "\"")
        switch purpose {
        case .nothing, .count: break
        case .text: textBytes &+= Int64(stop &- start)
        case .model: model.append(base + start, count: stop &- start)
        case .key:
            keep(base + start, count: stop &- start)
            if isEnd { key = carriedKey() }
        }
        guard stop < end else { return stop }
        if isEnd {
            endString()
            return stop &+ 1
        }
        if ByteScan.octet(base, stop) == UInt8(ascii: "\\") {
            mode = .escape
            if purpose == .key { carryCount = AnswerReader.carryLost }
            return stop &+ 1
        }
        // Control characters are no JSON, but harmless; a line's end leaves a string that nobody can read.
        guard !isLineEnd(base, stop, isLine) else { return broken(stop) }
        switch purpose {
        case .text: textBytes &+= 1
        case .key: carryCount = AnswerReader.carryLost
        case .model, .nothing, .count: break
        }
        return stop &+ 1
    }

    private mutating func endString() {
        mode = .between
        guard purpose == .key else {
            if purpose == .model { model.end() }
            valueEnded()
            return
        }
        if depth == 1 { key1 = key }
        expected = .colon
    }

    @inline(never)
    private mutating func readEscape(_ base: UnsafeRawPointer, _ offset: Int) -> Int {
        let byte = ByteScan.octet(base, offset)
        guard byte >= Byte.space else { return broken(offset) }
        mode = .string
        switch purpose {
        // `\u` and four digits count three.
        case .text: textBytes &+= byte == UInt8(ascii: "u") ? -1 : 1
        case .model:
            // Of escapes those alone are resolved that a name may come with: `\/`, `\"`, `\\`.
            if byte > UInt8(ascii: "\\") { model.append(UInt8(ascii: "\\")) }
            model.append(byte)
        case .nothing, .key, .count: break
        }
        return offset &+ 1
    }
}
