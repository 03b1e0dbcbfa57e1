import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct ByteWriterTests {
    @Test(arguments: [0, 1, 9, 10, 99, 100, 65535, UInt64(Int64.max), .max])
    func `numbers are written in full`(value: UInt64) {
        #expect(written { $0.put(decimal: value) } == String(value))
        #expect(written { $0.put(hexadecimal: value) } == String(value, radix: 16))
    }

    @Test func `pieces of every kind stand one behind the other`() {
        let text = written { writer in
            writer.put("a")
            writer.put([0x62, 0x63])
            writer.put(byte: 0x64)
            writer.put(UnsafeRawBufferPointer(start: nil, count: 0))
            writer.put([])
            withExactBytes("ef") { writer.put(UnsafeRawBufferPointer($0)) }
        }
        #expect(text == "abcdef")
    }

    @Test func `what does not fit is left out whole and remembered`() {
        withExactBytes([UInt8](repeating: 0, count: 4)) { buffer in
            var writer = ByteWriter(buffer)
            writer.put("abc")
            #expect(!writer.overflowed)
            writer.put("de")
            #expect(writer.overflowed && writer.count == 3)
            writer.put(byte: 0x66)
            #expect(writer.count == 4)
            writer.put(byte: 0x67)
            #expect(writer.overflowed && writer.bytes.elementsEqual("abcf".utf8))
        }
    }

    @Test func `room is what is left, and only what was filled counts`() {
        withExactBytes([UInt8](repeating: 0, count: 4)) { buffer in
            var writer = ByteWriter(buffer)
            writer.put("a")
            #expect(writer.room(for: 4) == nil && writer.overflowed && writer.count == 1)
            writer = ByteWriter(buffer)
            writer.put("a")
            let start = writer.room(for: 3)
            #expect(start == buffer.baseAddress! + 1 && !writer.overflowed)
            start?.storeBytes(of: 0x62, as: UInt8.self)
            writer.fill(to: buffer.baseAddress! + 2)
            writer.put("c")
            #expect(writer.bytes.elementsEqual("abc".utf8))
        }
    }

    @Test(arguments: [
        ("/v1/a", "/a"), ("/v1", ""), ("/v1/", "/"), ("/v1x", "/v1x"), ("/v", "/v"), ("", ""),
        ("/v2/v1", "/v2/v1"),
        ("/v1/v1", "/v1"),
    ])
    func `a second v1 is taken out only where it is a whole segment`(path: String, expected: String) {
        let text = written { writer in
            writer.put("/base/v1")
            let mark = writer.count
            withExactBytes(path) { writer.put(UnsafeRawBufferPointer($0)) }
            writer.removeDuplicateV1(from: mark)
        }
        #expect(text == "/base/v1" + expected)
    }
}
