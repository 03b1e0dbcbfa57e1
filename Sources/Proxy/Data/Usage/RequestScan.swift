import JSON

/// Reads of a request body what it asks for.
///
/// Whoever reads the body behind us must find the same. So it has to be JSON, strictly, and a member that
/// counts must not come twice, because readers differ on which of the two they take. Some take other
/// spellings for the same, such as `Model` (Go's `encoding/json`, which also folds `ſ` to `s` and the Kelvin
/// sign to `k`), others do not: they are refused as well.
///
/// Cost: one pass; no allocation. Why not `JSONReader`: see `RequestCursor`.
enum RequestScan {
    enum Outcome: Equatable {
        case facts(RequestFacts)
        case failure(Failure)
    }

    enum Failure: Error, Equatable {
        case notJSON
        case notObject
        /// `Model`, or another spelling of it but its own.
        case modelMisspelt
        /// A second `model`, in any spelling.
        case modelAmbiguous
        /// A second one of another member that counts, or one in another spelling.
        case memberAmbiguous
        /// One with a value that it cannot have.
        case memberInvalid

        var isNoJSONObject: Bool {
            switch self {
            case .notJSON, .notObject: true
            case .modelMisspelt, .modelAmbiguous, .memberAmbiguous, .memberInvalid: false
            }
        }
    }

    static func scan(_ body: UnsafeRawBufferPointer) -> Outcome {
        do throws(Failure) {
            var reader = try RequestReader(body)
            return .facts(try reader.read())
        } catch {
            return .failure(error)
        }
    }
}

private struct RequestReader {
    private typealias Failure = RequestScan.Failure

    private let base: UnsafeRawPointer
    /// Behind the last brace: see `RequestCursor`.
    private let end: Int
    private var facts = RequestFacts()
    private var estimate = InputEstimate()
    private var seen = RequestMember.Set()
    /// Whether the member is one of which each object is a message.
    private var holdsMessages = false
    /// Where `include_usage` may be put, or what of it is in the way.
    private var options = Options.absent

    private enum Options {
        case absent
        case null(Range<Int>)
        /// Behind the brace.
        case empty(at: Int)
        case without(at: Int)
        case refused(Range<Int>)
        case asked
    }

    @inline(__always)
    init(_ body: UnsafeRawBufferPointer) throws(RequestScan.Failure) {
        guard let base = body.baseAddress else { throw .notJSON }
        var end = body.count
        while end > 0, RequestCursor.isBlank(ByteScan.octet(base, end &- 1)) { end &-= 1 }
        guard end > 0, ByteScan.octet(base, end &- 1) == UInt8(ascii: "}") else {
            throw RequestReader.refusal(of: body)
        }
        self.base = base
        self.end = end
    }

    @inline(__always)
    mutating func read() throws(RequestScan.Failure) -> RequestFacts {
        var cursor = RequestCursor(base, end: end, at: 0, depth: 0)
        guard cursor.token() == UInt8(ascii: "{") else { throw RequestReader.refusal(of: body) }
        facts.start = cursor.offset &+ 1
        facts.isEmpty = true
        if try cursor.open(isObject: true) {
            facts.isEmpty = false
            repeat {
                let key = try cursor.key()
                try readMember(key, &cursor)
            } while try cursor.goesOn()
        }
        guard cursor.offset == end else { throw .notJSON }
        facts.inputTokensEstimate = estimate.tokens
        if facts.streams { facts.usageEdit = edit(end &- 1) }
        return facts
    }

    /// Without the blanks at its end.
    private var body: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: end) }

    /// What is wrong with a body that cannot be an object.
    private static func refusal(of body: UnsafeRawBufferPointer) -> Failure {
        var reader = JSONReader(body)
        do throws(JSONError) {
            if case .beginObject = try reader.next() { return .notJSON }
            return .notObject
        } catch {
            return .notJSON
        }
    }

    private func edit(_ closing: Int) -> UsageEdit? {
        switch options {
        case .absent:
            // Why the comma: `stream` at least is there.
            UsageEdit(
                offset: closing, removeCount: 0, insertion: ",\"stream_options\":{\"include_usage\":true}")
        case .null(let range):
            UsageEdit(
                offset: range.lowerBound, removeCount: range.count, insertion: "{\"include_usage\":true}")
        case .empty(let offset):
            UsageEdit(offset: offset, removeCount: 0, insertion: "\"include_usage\":true")
        case .without(let offset):
            UsageEdit(offset: offset, removeCount: 0, insertion: "\"include_usage\":true,")
        case .refused(let range):
            UsageEdit(offset: range.lowerBound, removeCount: range.count, insertion: "true")
        case .asked: nil
        }
    }

    // MARK: Values of which the strings count

    @inline(__always)
    private mutating func readValue(_ cursor: inout RequestCursor) throws(Failure) {
        switch cursor.token() {
        case UInt8(ascii: "\""): estimate.add(try cursor.string(), of: base)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            cursor.offset = try readNested(at: cursor.offset, depth: cursor.depth)
        default: try cursor.scalar()
        }
    }

    /// An object or array.
    /// - Parameter depth: of what is around it.
    /// - Returns: behind it.
    @inline(never)
    private mutating func readNested(at start: Int, depth: Int) throws(Failure) -> Int {
        var cursor = RequestCursor(base, end: end, at: start, depth: depth)
        while true {
            if cursor.isInObject { _ = try cursor.key() }
            if try !readWhole(&cursor) { continue }
            repeat {
                if cursor.depth == depth { return cursor.offset }
            } while try !cursor.goesOn()
        }
    }

    /// A value, or what opens one.
    /// - Returns: whether that is all of it, so that its first value does not follow.
    @inline(__always)
    private mutating func readWhole(_ cursor: inout RequestCursor) throws(Failure) -> Bool {
        switch cursor.token() {
        case UInt8(ascii: "\""): estimate.add(try cursor.string(), of: base)
        case UInt8(ascii: "{"):
            if holdsMessages, cursor.depth == 2, !cursor.isInObject { estimate.addMessage() }
            return try !cursor.open(isObject: true)
        case UInt8(ascii: "["): return try !cursor.open(isObject: false)
        default: try cursor.scalar()
        }
        return true
    }

    // MARK: Members

    /// What `key` means at the top.
    @inline(__always)
    private mutating func readMember(_ key: RequestString, _ cursor: inout RequestCursor) throws(Failure) {
        guard let member = try find(key, isOption: false) else {
            holdsMessages = RequestMember.isMessages(key, base)
            if RequestMember.isTemperature(key, base) { facts.hasTemperature = true }
            return try readValue(&cursor)
        }
        guard seen.insert(member) else { throw member == .model ? .modelAmbiguous : .memberAmbiguous }
        _ = cursor.token()
        let start = cursor.offset
        switch member {
        case .model: cursor.offset = try readModel(at: start)
        case .stream: cursor.offset = try readFlag(at: start, &facts.streams)
        case .streamOptions: cursor.offset = try readOptions(at: start)
        case .n, .bestOf: cursor.offset = try readChoices(at: start)
        case .maxTokens, .maxCompletionTokens, .maxOutputTokens:
            cursor.offset = try readOutputMax(at: start)
        case .includeUsage: try readValue(&cursor)
        }
    }

    /// - Returns: nil for a member that does not count here.
    @inline(__always)
    private func find(_ key: RequestString, isOption: Bool) throws(Failure) -> RequestMember? {
        var member = RequestMember.find(key, base)
        if member == nil, RequestMember.mayBeOther(key) { member = try findOther(key, isOption: isOption) }
        return (member == .includeUsage) == isOption ? member : nil
    }

    @inline(never)
    private func findOther(_ key: RequestString, isOption: Bool) throws(Failure) -> RequestMember? {
        guard let (member, isExact) = RequestMember.findOther(key, body) else { return nil }
        guard (member == .includeUsage) == isOption, !isExact else { return member }
        guard member == .model else { throw .memberAmbiguous }
        throw seen.contains(member) ? .modelAmbiguous : .modelMisspelt
    }

    @inline(__always)
    private mutating func readModel(at start: Int) throws(Failure) -> Int {
        guard ByteScan.octet(base, start) == UInt8(ascii: "\"") else { return try skipModel(at: start) }
        guard let name = RequestString.read(base, from: start &+ 1, end: end) else { throw .notJSON }
        facts.model = name.json
        return name.end &+ 1
    }

    /// Why no failure for another type: it names none, and is for the upstream to refuse.
    private mutating func skipModel(at start: Int) throws(Failure) -> Int {
        var reader = JSONReader(
            UnsafeRawBufferPointer(rebasing: body[start...]), depthLimit: RequestCursor.depthMax - 1)
        do throws(JSONError) { _ = try reader.skipValue() } catch { throw .notJSON }
        // The last brace may have been its own.
        guard start + reader.offset < end else { throw .notJSON }
        facts.otherModel = start..<start + reader.offset
        return start + reader.offset
    }

    /// True or false; null is false.
    private func readFlag(at start: Int, _ flag: inout Bool) throws(Failure) -> Int {
        let stop = JSONScan.scalarEnd(base, from: start, end: end)
        flag = isWord("true", start..<stop)
        guard flag || isWord("false", start..<stop) || isWord("null", start..<stop) else {
            throw refusal(at: start)
        }
        return stop
    }

    /// Null leaves one.
    private mutating func readChoices(at start: Int) throws(Failure) -> Int {
        let stop = JSONScan.scalarEnd(base, from: start, end: end)
        if isWord("null", start..<stop) { return stop }
        guard let count = UsageMembers.count(base + start, count: stop &- start) else {
            throw refusal(at: start)
        }
        facts.choices = max(facts.choices, count)
        return stop
    }

    /// Null sets no limit, and a negative number neither: llama.cpp has -1 for that.
    @inline(__always)
    private mutating func readOutputMax(at start: Int) throws(Failure) -> Int {
        guard let (count, stop) = shortCount(at: start) else { return try readLongOutputMax(at: start) }
        facts.outputMax = max(facts.outputMax ?? 0, count)
        return stop
    }

    /// A count of up to six digits, as most are; nil for what has to be looked at closer.
    @inline(__always)
    private func shortCount(at start: Int) -> (UInt64, stop: Int)? {
        var stop = start
        var count: UInt64 = 0
        while let digit = decimalDigitValue(ByteScan.octet(base, stop)) {
            count = count &* 10 &+ UInt64(digit)
            stop &+= 1
        }
        guard 1...6 ~= stop &- start, ByteScan.octet(base, start) != UInt8(ascii: "0"),
            !JSONScan.isScalar(ByteScan.octet(base, stop))
        else { return nil }
        return (count, stop)
    }

    @inline(never)
    private mutating func readLongOutputMax(at start: Int) throws(Failure) -> Int {
        let stop = JSONScan.scalarEnd(base, from: start, end: end)
        if let count = UsageMembers.count(base + start, count: stop &- start) {
            facts.outputMax = max(facts.outputMax ?? 0, count)
        } else if !isWord("null", start..<stop), !isNegative(start..<stop) {
            throw refusal(at: start)
        }
        return stop
    }

    private func isNegative(_ range: Range<Int>) -> Bool {
        range.count > 1 && ByteScan.octet(base, range.lowerBound) == UInt8(ascii: "-")
            && UsageMembers.count(base + range.lowerBound + 1, count: range.count - 1) != nil
    }

    @inline(__always)
    private func isWord(_ word: StaticString, _ range: Range<Int>) -> Bool {
        RequestCursor.isWord(word, base + range.lowerBound, count: range.count)
    }

    /// What is wrong with a value that is none of those that a member can have.
    private func refusal(at start: Int) -> Failure {
        var reader = JSONReader(UnsafeRawBufferPointer(rebasing: body[start...]))
        do throws(JSONError) { _ = try reader.next() } catch { return .notJSON }
        return .memberInvalid
    }

    // MARK: stream_options

    private mutating func readOptions(at start: Int) throws(Failure) -> Int {
        var cursor = RequestCursor(base, end: end, at: start, depth: 1)
        guard cursor.token() == UInt8(ascii: "{") else { return try readNoOptions(at: start) }
        holdsMessages = false
        options = .empty(at: start &+ 1)
        guard try cursor.open(isObject: true) else { return cursor.offset }
        options = .without(at: start &+ 1)
        repeat {
            let key = try cursor.key()
            try readOption(key, &cursor)
        } while try cursor.goesOn()
        return cursor.offset
    }

    private mutating func readNoOptions(at start: Int) throws(Failure) -> Int {
        let stop = JSONScan.scalarEnd(base, from: start, end: end)
        guard isWord("null", start..<stop) else { throw refusal(at: start) }
        options = .null(start..<stop)
        return stop
    }

    @inline(__always)
    private mutating func readOption(_ key: RequestString, _ cursor: inout RequestCursor) throws(Failure) {
        guard let member = try find(key, isOption: true) else { return try readValue(&cursor) }
        guard seen.insert(member) else { throw .memberAmbiguous }
        _ = cursor.token()
        let start = cursor.offset
        var isAsked = false
        cursor.offset = try readFlag(at: start, &isAsked)
        options = isAsked ? .asked : .refused(start..<cursor.offset)
    }
}
