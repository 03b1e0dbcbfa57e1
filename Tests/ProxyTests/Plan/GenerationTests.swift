import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct GenerationTests {
    @Test func `the census knows which generations are alive`() {
        let census = GenerationCensus()
        func make(_ number: UInt64) -> Generation {
            Generation(
                number: number, listeners: [], routes: RouteTable(routes: []), upstreams: [],
                trustedProxies: [],
                census: census)
        }
        var held = [make(3), make(4), make(5)]
        #expect(census.numbers == [3, 4, 5] && census.alive == 3)
        held.remove(at: 1)
        #expect(census.numbers == [3, 5] && census.alive == 2)
        held = []
        #expect(census.numbers == [])
    }

    private func version4(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> PeerAddress {
        PeerAddress(high: 0, low: 0xFFFF_0000_0000 | a << 24 | b << 16 | c << 8 | d, port: 1, isUnix: false)
    }

    @Test func `a range of IPv4 holds what its prefix says`() {
        let range = AddressRange(high: 0, low: 0xFFFF_0A00_0000, prefixLength: 104)
        #expect(range.contains(version4(10, 0, 0, 0)) && range.contains(version4(10, 255, 255, 255)))
        #expect(!range.contains(version4(11, 0, 0, 0)) && !range.contains(version4(9, 255, 255, 255)))
        #expect(!range.contains(PeerAddress(high: 0, low: 0x0A00_0000, port: 1, isUnix: false)))
        let all4 = AddressRange(high: 0, low: 0xFFFF_0000_0000, prefixLength: 96)
        #expect(all4.contains(version4(1, 2, 3, 4)))
        #expect(!all4.contains(PeerAddress(high: 0, low: 1, port: 1, isUnix: false)))
    }

    @Test func `a single address and everything`() {
        let one = AddressRange(high: 5, low: 7, prefixLength: 128)
        #expect(one.contains(PeerAddress(high: 5, low: 7, port: 9, isUnix: false)))
        #expect(!one.contains(PeerAddress(high: 5, low: 6, port: 9, isUnix: false)))
        #expect(!one.contains(PeerAddress(high: 4, low: 7, port: 9, isUnix: false)))
        let all = AddressRange(high: 0, low: 0, prefixLength: 0)
        #expect(all.contains(PeerAddress(high: .max, low: .max, port: 9, isUnix: false)))
    }

    @Test func `every prefix length agrees with a comparison bit by bit`() {
        var random = SeededGenerator(seed: 3)
        for length in 0...128 {
            for _ in 0..<20 {
                let range = AddressRange(high: random.next(), low: random.next(), prefixLength: length)
                // Differs in one bit, in or behind the prefix.
                let bit = Int.random(in: 0..<128, using: &random)
                let address = PeerAddress(
                    high: bit < 64 ? range.high ^ (1 << UInt64(63 - bit)) : range.high,
                    low: bit < 64 ? range.low : range.low ^ (1 << UInt64(127 - bit)), port: 0, isUnix: false)
                #expect(range.contains(address) == (bit >= length), "bit \(bit) of /\(length)")
            }
        }
    }
}
