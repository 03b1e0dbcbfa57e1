import Testing

@testable import Proxy

/// Each vector scan against a scalar one, written from the definition.
@Suite struct ByteScanTests {
    private typealias Scan = (UnsafeRawPointer, Int, Int) -> Int

    private func reference(_ bytes: [UInt8], from start: Int, stops: (UInt8) -> Bool) -> Int {
        bytes[start...].firstIndex(where: stops) ?? bytes.count
    }

    private func check(_ name: String, seed: UInt64, alphabet: [UInt8], _ scan: Scan, stops: (UInt8) -> Bool)
    {
        var random = SeededGenerator(seed: seed)
        for round in 0..<4000 {
            let count = Int.random(in: 1...70, using: &random)
            // Mostly octets that do not stop, so that scans come far.
            let bytes = (0..<count).map { _ in
                Int.random(in: 0..<24, using: &random) == 0
                    ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random)!
            }
            let start = Int.random(in: 0...count, using: &random)
            let found = withExactBytes(bytes) { scan(UnsafeRawPointer($0.baseAddress!), start, count) }
            let expected = reference(bytes, from: start, stops: stops)
            #expect(found == expected, "\(name), seed \(seed), round \(round): \(bytes) from \(start)")
            if found != expected { return }
        }
    }

    @Test func `vector and scalar scans agree on random octets`() {
        let words = Array("abcdefXYZ-".utf8)
        check("token", seed: 1, alphabet: words + Array("019_!".utf8)) {
            ByteScan.tokenEnd($0, from: $1, end: $2)
        } stops: {
            !ByteSet.token.contains($0)
        }
        check("value", seed: 2, alphabet: words + [0x09, 0x20, 0x80, 0xFF]) {
            ByteScan.valueEnd($0, from: $1, end: $2)
        } stops: {
            ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F
        }
        check("target", seed: 3, alphabet: words + [0x2F, 0x80, 0xFF]) {
            ByteScan.targetEnd($0, from: $1, end: $2)
        } stops: {
            $0 <= 0x20 || $0 == 0x7F
        }
        check("path", seed: 4, alphabet: words + [0x2F, 0x7F, 0x20]) {
            ByteScan.pathSpecial($0, from: $1, end: $2)
        } stops: {
            Array("%.?#\\".utf8).contains($0) || $0 >= 0x80
        }
        check("first", seed: 5, alphabet: words) {
            ByteScan.first(0x0A, $0, from: $1, end: $2)
        } stops: {
            $0 == 0x0A
        }
    }

    @Test func `each octet alone stops the scans it should at each place of a vector`() {
        for byte in UInt8.min...UInt8.max {
            for place in [0, 1, 7, 8, 15, 16, 31] {
                var bytes = Array(repeating: UInt8(ascii: "a"), count: 32)
                bytes[place] = byte
                withExactBytes(bytes) { buffer in
                    let base = UnsafeRawPointer(buffer.baseAddress!)
                    let isToken = ByteSet.token.contains(byte)
                    #expect(ByteScan.tokenEnd(base, from: 0, end: 32) == (isToken ? 32 : place))
                    let isControl = (byte < 0x20 && byte != 0x09) || byte == 0x7F
                    #expect(ByteScan.valueEnd(base, from: 0, end: 32) == (isControl ? place : 32))
                    let endsTarget = byte <= 0x20 || byte == 0x7F
                    #expect(ByteScan.targetEnd(base, from: 0, end: 32) == (endsTarget ? place : 32))
                    let isSpecial = Array("%.?#\\".utf8).contains(byte) || byte >= 0x80
                    #expect(ByteScan.pathSpecial(base, from: 0, end: 32) == (isSpecial ? place : 32))
                    let isOrdinary = ByteSet.unreserved.contains(byte) && byte != 0x5F && byte != 0x7E
                    #expect(ByteScan.hostNameEnd(base, from: 0, end: 32) == (isOrdinary ? 32 : place))
                }
            }
        }
    }

    @Test func `a host name's scan leaves what no vector covers to the caller`() {
        let end = withExactBytes("api.example.com") {
            ByteScan.hostNameEnd(UnsafeRawPointer($0.baseAddress!), from: 0, end: $0.count)
        }
        #expect(end == 0)
    }
}
