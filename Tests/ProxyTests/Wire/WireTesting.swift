@testable import Proxy

/// Gives `body` a copy of `bytes` in memory of exactly their size, so that a sanitizer sees each read
/// beyond them.
func withExactBytes<Value>(_ bytes: [UInt8], _ body: (UnsafeMutableRawBufferPointer) -> Value) -> Value {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    return body(buffer)
}

func withExactBytes<Value>(_ text: String, _ body: (UnsafeMutableRawBufferPointer) -> Value) -> Value {
    withExactBytes(Array(text.utf8), body)
}

/// A small seeded generator, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// splitmix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A field line with its octets taken out of the buffer.
struct ReadLine: Equatable {
    var name: String
    var value: String
    var known: FieldName = .other
    var isHopByHop = false
}

/// A request head with its octets taken out of the buffer.
struct ReadRequest: Equatable {
    var method: Method
    var methodText: String
    var path: String
    var pathIsImplied: Bool
    var pathHasEscapes: Bool
    var query: String
    var authority: String
    var host: String
    var version: HTTPVersion
    var framing: BodyFraming
    var connection: ConnectionOptions
    var expectsContinue: Bool
    var asksForWebSocket: Bool
    var keepsAlive: Bool
    var byteCount: Int
    var lines: [ReadLine]
}

struct ReadResponse: Equatable {
    var status: UInt16
    var reason: String
    var version: HTTPVersion
    var framing: BodyFraming
    var connection: ConnectionOptions
    var isEventStream: Bool
    var declaredLength: UInt64?
    var keepsAlive: Bool
    var byteCount: Int
    var lines: [ReadLine]
}

struct ReadTrailers: Equatable {
    var byteCount: Int
    var lines: [ReadLine]
}

/// What a parse came to.
enum Outcome<Read: Equatable>: Equatable {
    case incomplete
    case refused(HeadError)
    case complete(Read)

    var read: Read? {
        if case .complete(let read) = self { return read }
        return nil
    }

    var error: HeadError? {
        if case .refused(let error) = self { return error }
        return nil
    }
}

let testLimits = HeadLimits(maxBytes: 16384, maxFields: 100)

func parseRequest(_ bytes: [UInt8], limits: HeadLimits = testLimits) -> Outcome<ReadRequest> {
    let fields = FieldTable()
    defer { fields.deallocate() }
    return withExactBytes(bytes) { buffer in
        do throws(HeadError) {
            let bytes = UnsafeRawBufferPointer(buffer)
            guard let head = try HeadParser.parseRequest(bytes, limits: limits, fields: fields) else {
                return .incomplete
            }
            return .complete(
                ReadRequest(
                    method: head.method, methodText: text(head.methodBytes, bytes),
                    path: text(head.path, bytes), pathIsImplied: head.pathIsImplied,
                    pathHasEscapes: head.pathHasEscapes, query: text(head.query, bytes),
                    authority: text(head.authority, bytes), host: text(head.host, bytes),
                    version: head.version, framing: head.framing, connection: head.connection,
                    expectsContinue: head.expectsContinue, asksForWebSocket: head.asksForWebSocket,
                    keepsAlive: head.keepsAlive, byteCount: head.byteCount,
                    lines: lines(fields, head.fieldCount, bytes)))
        } catch {
            return .refused(error)
        }
    }
}

func parseRequest(_ text: String, limits: HeadLimits = testLimits) -> Outcome<ReadRequest> {
    parseRequest(Array(text.utf8), limits: limits)
}

func parseResponse(
    _ bytes: [UInt8], toHead: Bool = false, limits: HeadLimits = testLimits
) -> Outcome<ReadResponse> {
    let fields = FieldTable()
    defer { fields.deallocate() }
    return withExactBytes(bytes) { buffer in
        do throws(HeadError) {
            let bytes = UnsafeRawBufferPointer(buffer)
            let parsed = try HeadParser.parseResponse(bytes, toHead: toHead, limits: limits, fields: fields)
            guard let head = parsed else { return .incomplete }
            return .complete(
                ReadResponse(
                    status: head.status, reason: text(head.reason, bytes), version: head.version,
                    framing: head.framing, connection: head.connection, isEventStream: head.isEventStream,
                    declaredLength: head.declaredLength, keepsAlive: head.keepsAlive,
                    byteCount: head.byteCount, lines: lines(fields, head.fieldCount, bytes)))
        } catch {
            return .refused(error)
        }
    }
}

func parseResponse(
    _ text: String, toHead: Bool = false, limits: HeadLimits = testLimits
) -> Outcome<ReadResponse> {
    parseResponse(Array(text.utf8), toHead: toHead, limits: limits)
}

func parseTrailers(_ text: String, limits: HeadLimits = testLimits) -> Outcome<ReadTrailers> {
    let fields = FieldTable()
    defer { fields.deallocate() }
    return withExactBytes(text) { buffer in
        do throws(HeadError) {
            let bytes = UnsafeRawBufferPointer(buffer)
            let parsed = try HeadParser.parseTrailers(bytes, limits: limits, fields: fields)
            guard let section = parsed else { return .incomplete }
            return .complete(
                ReadTrailers(byteCount: section.byteCount, lines: lines(fields, section.fieldCount, bytes)))
        } catch {
            return .refused(error)
        }
    }
}

/// A GET for `target` with a `Host`, and `more` field lines, each with its CRLF.
func get(_ target: String, _ more: String = "") -> String {
    "GET \(target) HTTP/1.1\r\nHost: a\r\n\(more)\r\n"
}

/// A POST with a `Host`, and `more` field lines, each with its CRLF.
func post(_ more: String) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\n\(more)\r\n"
}

private func lines(_ fields: FieldTable, _ count: Int, _ bytes: UnsafeRawBufferPointer) -> [ReadLine] {
    (0..<count).map { index in
        let line = fields.lines[index]
        return ReadLine(
            name: text(line.name, bytes), value: text(line.value, bytes), known: line.known,
            isHopByHop: line.isHopByHop)
    }
}

private func text(_ range: ByteRange, _ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes[Int(range.start)..<Int(range.end)], as: UTF8.self)
}
