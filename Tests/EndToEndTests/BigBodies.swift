import Glibc
import Testing

/// Big bodies pass through small buffers, whole and in order.
@Suite(.scenario) struct BigBodies {
    #if DEBUG
        static let byteCount = 20 << 20
    #else
        static let byteCount = 100 << 20
    #endif

    /// A megabyte whose repetition tells any byte that is lost, doubled or moved.
    private static let block: [UInt8] = {
        var state: UInt32 = 2_463_534_242
        return (0..<1 << 20).map { _ in
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
            return UInt8(truncatingIfNeeded: state)
        }
    }()

    @Test(arguments: [true, false]) func `a big answer arrives whole`(isChunked: Bool) throws {
        let upstream = try ScriptedUpstream { connection in
            while try connection.readRequest() != nil {
                try BigBodies.sendBody(connection.wire, isChunked, "HTTP/1.1 200 OK")
            }
        }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        let client = try gate.connect()
        try client.send(gate.request())
        let head = try client.readResponseHead()
        #expect(head.isChunked == isChunked)
        #expect(try Self.readBody(client, isChunked))
        try client.send(gate.request())
        #expect(try client.readResponseHead().status == 200, "the connection is kept")
    }

    /// C42: what is passed on is held nowhere.
    @Test(arguments: [true, false]) func `a big request arrives whole`(isChunked: Bool) throws {
        let upstream = try ScriptedUpstream { connection in
            while let head = try connection.readRequestHead() {
                let isWhole = try BigBodies.readBody(connection.wire, head["transfer-encoding"] != nil)
                try connection.send(ok("\(isWhole)"))
            }
        }
        let gate = try Gate(
            """
            upstreams: { up: \(upstream.url) }
            routes: [{ path: /**, auth: open, max_body: off, to: up }]
            """)
        let client = try gate.connect()
        try Self.sendBody(client, isChunked, "POST / HTTP/1.1\r\nHost: a")
        #expect(try client.readResponse().text == "true")
        #expect(ChildProcess.isSanitized || gate.process.residentKiB < 64 << 10, "a body is not held")
    }

    private static func sendBody(_ wire: Connection, _ isChunked: Bool, _ start: String) throws {
        try wire.send(
            start
                + (isChunked
                    ? "\r\nTransfer-Encoding: chunked\r\n\r\n" : "\r\nContent-Length: \(byteCount)\r\n\r\n"))
        for _ in 0..<byteCount >> 20 {
            if isChunked { try wire.send("100000\r\n") }
            try wire.send(block)
            if isChunked { try wire.send("\r\n") }
        }
        if isChunked { try wire.send("0\r\n\r\n") }
    }

    /// - Returns: whether it is what was sent.
    private static func readBody(_ wire: Connection, _ isChunked: Bool) throws -> Bool {
        var offset = 0
        var isSame = true
        func see(_ piece: ArraySlice<UInt8>) {
            var rest = piece
            while !rest.isEmpty {
                let start = offset % block.count
                let count = min(rest.count, block.count - start)
                if !same(rest.prefix(count), block[start..<start + count]) { isSame = false }
                rest = rest.dropFirst(count)
                offset += count
            }
        }
        if isChunked {
            while let line = try wire.readThrough("\r\n") {
                guard let count = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16) else {
                    return false
                }
                if count == 0 { break }
                try wire.skip(count, see)
                _ = try wire.read(exactly: 2)
            }
            _ = try wire.readTrailers()
        } else {
            try wire.skip(byteCount, see)
        }
        return isSame && offset == byteCount
    }

    /// Why not `==`: it looks at one element after another, for seconds in a debug build.
    private static func same(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
        one.withUnsafeBytes { one in
            other.withUnsafeBytes { memcmp(one.baseAddress!, $0.baseAddress!, one.count) == 0 }
        }
    }
}
