import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RequestIDSourceTests {
    private func text(_ id: InlineArray<32, UInt8>) -> String {
        String(decoding: id.indices.map { id[$0] }, as: UTF8.self)
    }

    @Test func `ids are 32 hexadecimal digits and never the same, across workers and restarts`() {
        var seen: Set<String> = []
        for worker in 0..<20 {
            var source = RequestIDSource(worker: worker % 10)
            for _ in 0..<500 {
                let id = text(source.next())
                #expect(seen.insert(id).inserted)
                #expect(id.utf8.count == 32 && id.allSatisfy { "0123456789abcdef".contains($0) })
            }
        }
        #expect(seen.count == 10_000)
    }

    @Test func `neighbours do not look alike`() {
        var source = RequestIDSource(worker: 0)
        for _ in 0..<100 {
            let pair = (text(source.next()), text(source.next()))
            #expect(pair.0.prefix(16) == pair.1.prefix(16))
            let same = zip(pair.0.suffix(16), pair.1.suffix(16)).filter { $0.0 == $0.1 }.count
            #expect(same < 12)
        }
    }

    @Test func `ids that are made are valid ones`() {
        var source = RequestIDSource(worker: 3)
        let id = source.next()
        #expect(withUnsafeBytes(of: id) { RequestIDRule.isValidRequestID($0) })
    }
}
