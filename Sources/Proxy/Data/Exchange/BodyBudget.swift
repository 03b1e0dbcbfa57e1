import Synchronization

/// Bytes of request bodies that are looked into before they go on, of all workers together. A body counts
/// from its first byte until the last one has left.
final class BodyBudget: Sendable {
    /// What one process holds of them at most, unless told otherwise: 256 MiB.
    static let bytesMax = 256 << 20

    private let bytesMax: Int
    private let taken = Atomic<Int>(0)

    init(bytesMax: Int = BodyBudget.bytesMax) { self.bytesMax = bytesMax }

    /// - Returns: false, and nothing is taken, where that would be more than there is.
    func take(_ count: Int) -> Bool {
        guard taken.add(count, ordering: .relaxed).newValue > bytesMax else { return true }
        taken.subtract(count, ordering: .relaxed)
        return false
    }

    func giveBack(_ count: Int) { taken.subtract(count, ordering: .relaxed) }

    var bytesTaken: Int { taken.load(ordering: .relaxed) }
}
