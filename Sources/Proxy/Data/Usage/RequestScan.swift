import Glibc
import JSON

/// Reads of a request body what it asks for.
///
/// Whoever reads the body behind us must find the same. So it has to be JSON, strictly, and a member that
/// counts must not come twice, because readers differ on which of the two they take. Some take other
/// spellings for the same, such as `Model` (Go's `encoding/json`, which also folds `ſ` to `s` and the Kelvin
/// sign to `k`), others do not: they are refused as well.
///
/// Cost: one pass; no allocation.
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
    }

    static func scan(_ body: UnsafeRawBufferPointer) -> Outcome {
        var reader = RequestReader(body)
        do throws(Failure) {
            return .facts(try reader.read())
        } catch {
            return .failure(error)
        }
    }
}

private struct RequestReader {
    private typealias Failure = RequestScan.Failure

    private let body: UnsafeRawBufferPointer
    private var reader: JSONReader
    private var facts = RequestFacts()
    private var estimate = InputEstimate()
    private var seen: RequestMember.Set = []
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

    init(_ body: UnsafeRawBufferPointer) {
        self.body = body
        reader = JSONReader(body, depthLimit: JSONReader.depthMax)
    }

    @inline(__always)
    private mutating func next() throws(Failure) -> JSONEvent {
        do throws(JSONError) { return try reader.next() } catch { throw .notJSON }
    }

    mutating func read() throws(RequestScan.Failure) -> RequestFacts {
        guard case .beginObject = try next() else { throw .notObject }
        while case .key(let key) = try next() { try readMember(key) }
        let closing = reader.start
        _ = try next()
        facts.inputTokensEstimate = estimate.tokens
        if facts.streams { facts.usageEdit = edit(closing) }
        return facts
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

    // MARK: Members

    /// What `key` means at the top.
    private mutating func readMember(_ key: JSONString) throws(RequestScan.Failure) {
        guard let (member, isExact) = RequestMember.find(key, reader, body), member != .includeUsage else {
            return try readOther(countsMessages: isMessages(key))
        }
        guard seen.insert(member) else { throw member == .model ? .modelAmbiguous : .memberAmbiguous }
        guard isExact else { throw member == .model ? .modelMisspelt : .memberAmbiguous }
        switch member {
        case .model:
            // Why no failure for another type: it names none, and is for the upstream to refuse.
            let outside = reader.depth
            if case .string(let name) = try next() { facts.model = name }
            while reader.depth > outside { _ = try next() }
        case .stream: facts.streams = try readFlag()
        case .streamOptions: try readOptions()
        case .n, .bestOf: facts.choices = max(facts.choices, try readCount() ?? 1)
        case .maxTokens, .maxCompletionTokens, .maxOutputTokens:
            if let count = try readCount() { facts.outputMax = max(facts.outputMax ?? 0, count) }
        case .includeUsage: try readOther(countsMessages: false)
        }
    }

    private func isMessages(_ key: JSONString) -> Bool {
        let start = body.baseAddress! + key.range.lowerBound
        switch key.range.count {
        case 5: return memcmp(start, "input", 5) == 0
        case 8: return memcmp(start, "messages", 8) == 0
        default: return false
        }
    }

    /// A value of which the strings count.
    private mutating func readOther(countsMessages: Bool) throws(RequestScan.Failure) {
        let outside = reader.depth
        var isInMessages = false
        repeat {
            switch try next() {
            case .string(let string): estimate.add(string, of: body)
            case .beginArray: if reader.depth == 2 { isInMessages = countsMessages }
            case .beginObject: if isInMessages, reader.depth == 3 { estimate.addMessage() }
            case .endArray, .endObject, .key, .number, .bool, .null, .end: break
            }
        } while reader.depth > outside
    }

    /// True or false; null is false.
    private mutating func readFlag() throws(RequestScan.Failure) -> Bool {
        switch try next() {
        case .bool(let flag): return flag
        case .null: return false
        case .beginObject, .endObject, .beginArray, .endArray, .key, .string, .number, .end:
            throw .memberInvalid
        }
    }

    /// Nil for null.
    private mutating func readCount() throws(RequestScan.Failure) -> UInt64? {
        switch try next() {
        case .null: return nil
        case .number(let range, isInteger: true):
            guard let base = body.baseAddress,
                let count = UsageMembers.count(base + range.lowerBound, count: range.count)
            else { throw .memberInvalid }
            return count
        case .beginObject, .endObject, .beginArray, .endArray, .key, .string, .number, .bool, .end:
            throw .memberInvalid
        }
    }

    // MARK: stream_options

    private mutating func readOptions() throws(RequestScan.Failure) {
        switch try next() {
        case .null: options = .null(reader.start..<reader.offset)
        case .beginObject: try readOptionMembers()
        case .endObject, .beginArray, .endArray, .key, .string, .number, .bool, .end: throw .memberInvalid
        }
    }

    private mutating func readOptionMembers() throws(RequestScan.Failure) {
        options = .empty(at: reader.offset)
        while case .key(let key) = try next() {
            if case .empty(let offset) = options { options = .without(at: offset) }
            guard let (member, isExact) = RequestMember.find(key, reader, body), member == .includeUsage
            else {
                try readOther(countsMessages: false)
                continue
            }
            guard seen.insert(member), isExact else { throw .memberAmbiguous }
            let flag = try readFlag()
            options = flag ? .asked : .refused(reader.start..<reader.offset)
        }
    }
}
