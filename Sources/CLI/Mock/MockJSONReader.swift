import JSON

/// Why a text is not JSON, and where.
struct MockJSONError: Error, Equatable {
    /// Bytes before the problem.
    var offset: Int
    var problem: String
}

/// Reads one JSON text (RFC 8259), strictly: nothing before or after it but white space, no number that a
/// Double cannot hold, at most `depthMax` levels. Names that come twice are taken, as clients send them.
struct MockJSONReader {
    static let depthMax = JSONReader.depthMax

    private var reader: JSONReader

    static func read(_ bytes: [UInt8]) throws(MockJSONError) -> MockJSON {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(JSONError) -> MockJSON in
                var reader = MockJSONReader(reader: JSONReader(bytes, depthLimit: depthMax))
                let value = try reader.value(try reader.reader.next())
                _ = try reader.reader.next()
                return value
            }
        }
        do throws(JSONError) {
            return try result.get()
        } catch {
            throw MockJSONError(offset: error.offset, problem: "the text \(error)")
        }
    }

    private mutating func value(_ event: JSONEvent) throws(JSONError) -> MockJSON {
        switch event {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .string(let string): return .string(reader.text(string))
        case .number(let range, _):
            guard let value = Double(reader.raw(range)), value.isFinite else {
                throw JSONError(.number, offset: range.lowerBound)
            }
            return .number(value)
        case .beginArray:
            var elements: [MockJSON] = []
            while true {
                let event = try reader.next()
                if event == .endArray { return .array(elements) }
                elements.append(try value(event))
            }
        case .beginObject:
            var members: [MockJSON.MockMember] = []
            while case .key(let key) = try reader.next() {
                members.append(.init(name: reader.text(key), value: try value(try reader.next())))
            }
            return .object(members)
        case .key, .endObject, .endArray, .end: throw JSONError(.syntax, offset: reader.start)
        }
    }
}
