/// All that a bucket holds, for another process on the same machine: both clocks are the same there.
struct BucketImage: Equatable, Sendable {
    /// Items of one image. A bucket with more has several, in order, and what is reserved in the first.
    static let itemsMax = 2000

    var subject: LimitSubject
    var measureID: UInt32
    var kind: LedgerBucket.Kind
    var period: LimitMeasure.Period
    var reserved: UInt64
    /// Of a log: when each request was admitted, oldest first.
    var times: [UInt64] = []
    /// Of slots, oldest first.
    var slots: [BucketState.Slot] = []
}

extension BucketImage {
    static func images(of bucket: LedgerBucket) -> [BucketImage] {
        var images: [BucketImage] = []
        var from = 0
        repeat {
            var image = BucketImage(
                subject: bucket.subject, measureID: bucket.measureID, kind: bucket.kind,
                period: bucket.period, reserved: from == 0 ? bucket.reserved : 0)
            let end = min(from + itemsMax, Int(bucket.count))
            switch bucket.kind {
            case .log: image.times = (from..<end).map(bucket.time)
            case .slots: image.slots = (from..<end).map(bucket.slot)
            case .concurrent: break
            }
            images.append(image)
            from = end
        } while from < Int(bucket.count) && bucket.kind != .concurrent
        return images
    }
}
