import Testing

@testable import Proxy

@Test func `a bucket with much in it is cut into images that fit a message`() {
    var bucket = LedgerBucket(subject: .everybody, measureID: 1, kind: .log, period: .minute)
    defer { bucket.freeRing() }
    let window = LimitWindow(logLength: 60_000_000_000, step: 1_000_000_000, now: 10_000)
    for time in 1...4500 { bucket.log(at: UInt64(time), window) }
    let images = BucketImage.images(of: bucket)
    #expect(images.map(\.times.count) == [2000, 2000, 500])
    #expect(images.flatMap(\.times) == (1...4500).map(UInt64.init))
    #expect(HandoverMessage.buckets([images[0]]).bytes.count <= HandoverMessage.sizeMax)
}
