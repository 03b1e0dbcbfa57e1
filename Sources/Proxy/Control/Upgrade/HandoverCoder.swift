/// Values of the hand-over between two processes as bytes: numbers little-endian, texts with their length in
/// front.
struct HandoverWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: UInt8) { bytes.append(value) }
    mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }
    mutating func put(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    mutating func put(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    mutating func put(_ value: Int) { put(UInt64(bitPattern: Int64(value))) }
    mutating func put(_ text: String) { put(Array(text.utf8)) }

    mutating func put(_ content: [UInt8]) {
        put(UInt32(content.count))
        bytes += content
    }

    mutating func put<Item>(_ items: [Item], _ each: (inout HandoverWriter, Item) -> Void) {
        put(UInt32(items.count))
        for item in items { each(&self, item) }
    }
}

/// What the other process sends cannot be read.
struct HandoverError: Error, Equatable {
    let message: String
    static let malformed = HandoverError(message: "the other process sent what this one cannot read")
}

/// Reads what `HandoverWriter` wrote. Never past the end.
struct HandoverReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() throws(HandoverError) -> UInt8 {
        guard let first = rest.popFirst() else { throw .malformed }
        return first
    }

    mutating func flag() throws(HandoverError) -> Bool { try byte() != 0 }

    mutating func uint32() throws(HandoverError) -> UInt32 {
        UInt32(truncatingIfNeeded: try number(bytes: 4))
    }

    mutating func uint64() throws(HandoverError) -> UInt64 { try number(bytes: 8) }
    mutating func int() throws(HandoverError) -> Int { Int(Int64(bitPattern: try uint64())) }

    mutating func content() throws(HandoverError) -> [UInt8] {
        let count = Int(try uint32())
        guard count <= rest.count else { throw .malformed }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func text() throws(HandoverError) -> String {
        String(decoding: try content(), as: UTF8.self)
    }

    mutating func list<Item>(
        _ each: (inout HandoverReader) throws(HandoverError) -> Item
    ) throws(HandoverError) -> [Item] {
        let count = Int(try uint32())
        // Why: an item has a byte at least, so a length that lies asks for no memory.
        guard count <= rest.count else { throw .malformed }
        var items: [Item] = []
        for _ in 0..<count { items.append(try each(&self)) }
        return items
    }

    mutating func value<Value: RawRepresentable>(_ type: Value.Type) throws(HandoverError) -> Value
    where Value.RawValue == UInt8 {
        guard let value = Value(rawValue: try byte()) else { throw .malformed }
        return value
    }

    private mutating func number(bytes count: Int) throws(HandoverError) -> UInt64 {
        guard rest.count >= count else { throw .malformed }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
