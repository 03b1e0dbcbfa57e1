import Glibc

/// The name of the model that answers, as it says itself: the first `bytesMax` octets of it, in place.
struct AnswerModel {
    static let bytesMax = 96

    private var storage = InlineArray<96, UInt8>(repeating: 0)
    private(set) var count: UInt8 = 0
    /// The closing quote was seen; nothing is added any more.
    private(set) var isWhole = false

    @inline(__always)
    mutating func append(_ base: UnsafeRawPointer, count more: Int) {
        let before = Int(count)
        let taken = min(more, AnswerModel.bytesMax - before)
        withUnsafeMutableBytes(of: &storage) { _ = memcpy($0.baseAddress! + before, base, taken) }
        count += UInt8(taken)
    }

    mutating func append(_ byte: UInt8) {
        guard Int(count) < AnswerModel.bytesMax else { return }
        storage[Int(count)] = byte
        count += 1
    }

    /// The rest did not come.
    mutating func restart() { count = 0 }

    mutating func end() { isWhole = count > 0 }

    /// The octets; none before the name is whole.
    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        withUnsafeBytes(of: storage) { bytes in
            body(UnsafeRawBufferPointer(rebasing: bytes[..<(isWhole ? Int(count) : 0)]))
        }
    }
}
