/// A short text of the plan as bytes at a fixed place, so that the data plane can copy it without a `String`.
final class PlanText: @unchecked Sendable {
    /// Lives as long as the object.
    let bytes: UnsafeRawBufferPointer

    static let empty = PlanText("")

    init(_ text: String) {
        let utf8 = Array(text.utf8)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, utf8.count), alignment: 1)
        copy.copyBytes(from: utf8)
        bytes = UnsafeRawBufferPointer(rebasing: copy[..<utf8.count])
    }

    /// Two texts with a blank between; the other where one is empty.
    convenience init(joining first: PlanText, _ second: PlanText) {
        let parts = [first, second].map { String(decoding: $0.bytes, as: UTF8.self) }
        self.init(parts.filter { !$0.isEmpty }.joined(separator: " "))
    }

    deinit { bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0).deallocate() } }
}
