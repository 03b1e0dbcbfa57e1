import Glibc
import Testing

@testable import Config

/// What was written to hurt: answered quickly, never with a crash.
@Suite(.serialized) struct HostileTests {
    /// Diagnostics and the processor time they took (other work on the machine must not count). Debug builds
    /// are slow; the bounds hold there too.
    static func time(_ bytes: [UInt8]) -> (diagnostics: [Diagnostic], duration: Duration) {
        let before = threadTime()
        let parsed = ConfigDocument.parse(bytes, file: "hostile.yaml")
        let diagnostics = parsed.document?.read { _ in nil }.diagnostics ?? parsed.diagnostics
        return (diagnostics, (threadTime() - before) / slowness)
    }

    /// Code that a sanitizer watches is several times slower.
    private static let slowness = getenv("HEADGATE_SANITIZED") == nil ? 1 : 8

    private static func threadTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    static func repeated(_ text: String, _ count: Int) -> [UInt8] {
        let piece = Array(text.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(piece.count * count)
        for _ in 0..<count { bytes += piece }
        return bytes
    }

    @Test(arguments: ["[", "{", "- ", "? ", "[{", "- - ", "a: [", "[\n", "{a: "])
    func `200 KB of brackets are refused within 100 ms`(_ piece: String) {
        let (diagnostics, duration) = Self.time(Self.repeated(piece, 200_000 / piece.utf8.count))
        #expect(diagnostics.contains { $0.severity == .error })
        #expect(duration < .milliseconds(100))
    }

    @Test func `nesting is allowed to 64 levels and no further`() {
        func nested(_ depth: Int) -> [UInt8] {
            let inner = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return Array("version: 1\nx: \(inner)\n".utf8)
        }
        #expect(Self.time(nested(63)).diagnostics.contains { $0.message == "unknown key `x`" })
        let (diagnostics, _) = Self.time(nested(64))
        #expect(diagnostics.map(\.message) == ["nested deeper than 64 levels"])
        #expect(diagnostics.first?.line == 2)
        #expect(diagnostics.first?.column == 67)
    }

    @Test func `an alias cannot bring the depth in by the back door`() {
        let inner = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let outer = String(repeating: "[", count: 30) + "*a" + String(repeating: "]", count: 30)
        let (diagnostics, _) = Self.time(Array("a: &a \(inner)\nb: \(outer)\n".utf8))
        #expect(diagnostics.map(\.message) == ["nested deeper than 64 levels"])
    }

    @Test func `a billion laughs are cut short`() {
        var text = "version: 1\na0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1...20 {
            let parts = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ",")
            text += "a\(level): &a\(level) [\(parts)]\n"
        }
        let (diagnostics, duration) = Self.time(Array(text.utf8))
        #expect(diagnostics.map(\.message) == ["aliases expand to more than 100000 values"])
        #expect(duration < .milliseconds(100))
    }

    @Test func `aliases work below their bound`() throws {
        let config = try config(
            """
            version: 1
            listeners: { a: 127.0.0.1:1, b: { bind: 127.0.0.1:2, timeouts: &clocks { head: 3s } }, \
            c: { bind: 127.0.0.1:3, timeouts: *clocks } }
            """)
        #expect(config.listeners.map(\.timeouts.head) == [.seconds(10), .seconds(3), .seconds(3)])
    }

    @Test func `a problem behind an alias is said once`() {
        let result = read("version: 1\nupstreams: { a: &a { url: ftp://x }, b: *a, c: *a }\n")
        #expect(result.diagnostics.count { $0.severity == .error } == 3)
        #expect(Set(result.diagnostics.filter { $0.severity == .error }.map(\.line)) == [2])
    }

    @Test func `a file above 4 MiB is refused, one of 4 MiB is read`() {
        let comment = Self.repeated("# 345678901234\n", (4 << 20) / 15)
        let fits = Array("version: 1\n".utf8) + comment.prefix((4 << 20) - 11)
        #expect(fits.count == 4 << 20)
        #expect(Self.time(fits).diagnostics.allSatisfy { $0.severity == .warning })
        let (diagnostics, duration) = Self.time(fits + [0x0A])
        #expect(
            diagnostics.map(\.message) == ["the file is 4194305 bytes long; at most 4194304 (4 MiB) are read"]
        )
        #expect(duration < .milliseconds(100))
    }

    @Test(arguments: [
        "%TAG !a! b\n", "%YAML 1.2\n", "---\n", "...\n", "&a ", "*a ", "!a ", "\t", "\"", "'", "|\n", "a: ",
        ": ", "\r", "\u{85}",
        "a:\n", "- a\n", "a: 1\n", "{}", "- ${", "# \n", "\u{FEFF}", "? a\n", "\\", "x",
    ])
    func `512 KB of one thing are answered within seconds`(_ piece: String) {
        let (diagnostics, duration) = Self.time(Self.repeated(piece, (512 << 10) / piece.utf8.count))
        #expect(diagnostics.contains { $0.severity == .error })
        #expect(duration < .seconds(5), "\(piece)")
    }

    @Test func `directives behind the document are refused without being read`() {
        let text = Array("version: 1\n...\n".utf8) + Self.repeated("%TAG !a! b\n", 100_000)
        let (diagnostics, duration) = Self.time(text)
        #expect(diagnostics.map(\.message) == ["a second document begins here"])
        #expect(duration < .seconds(2))
    }

    @Test func `the number of problems that are told is bounded`() {
        var text = "version: 1\nroutes:\n"
        for index in 0..<3000 { text += "- { path: /\(index), auth: nobody, to: nowhere, kex: 1 }\n" }
        let (diagnostics, duration) = Self.time(Array(text.utf8))
        #expect(diagnostics.count == Reading.diagnosticsMax)
        #expect(duration < .seconds(10))
    }

    /// In 4 MiB; the bounds are for debug builds, which take ten times as long as what is shipped.
    @Test(arguments: ["", "upstreams: { a: http://a }\nauth:\n  a:\n"])
    func `a file full of unknown keys is answered quickly`(_ head: String) {
        let indent = head.isEmpty ? "" : "    "
        var bytes = Array(head.utf8)
        for index in 0..<370_000 where bytes.count < SourceText.byteCountMax - 20 {
            bytes += Array("\(indent)\(index)k: 1\n".utf8)
        }
        let (diagnostics, duration) = Self.time(bytes)
        #expect(!diagnostics.isEmpty && diagnostics.count <= Reading.diagnosticsMax)
        #expect(duration < .seconds(20))
    }

    @Test(arguments: ["a: 1\n", "<<: 1\n", "? a\n"])
    func `a file full of the same key is answered quickly`(_ piece: String) {
        let (diagnostics, duration) = Self.time(Self.repeated(piece, (1 << 20) / piece.utf8.count))
        #expect(diagnostics.count == Reading.diagnosticsMax)
        #expect(duration < .seconds(5))
    }

    @Test func `masses of warnings hide no error`() {
        var text = "version: 1\nupstreams:\n"
        for index in 0...Reading.diagnosticsMax {
            text += "  u\(index): { url: https://a, tls: { insecure_skip_verify: true } }\n"
        }
        let result = read(text + "routes: [{ path: /, auth: nobody, to: u0 }, kex]\n")
        #expect(result.config == nil)
        #expect(result.diagnostics.count == Reading.diagnosticsMax)
        #expect(result.diagnostics.count { $0.severity == .error } == 2)
    }

    @Test func `a line of a megabyte gives a short excerpt`() throws {
        let text =
            "version: 1\nlisteners: { a: 127.0.0.1:1, b: \"" + String(repeating: "é", count: 500_000)
            + "\" }\n"
        let first = try #require(read(text).diagnostics.first { $0.severity == .error })
        let excerpt = try #require(first.excerpt)
        #expect(excerpt.unicodeScalars.count <= SourceText.excerptCountMax)
        #expect(first.rendered().utf8.count < 1000)
        #expect(first.column == 33)
    }

    @Test func `escapes cannot reach the terminal`() {
        let result = read("version: 1\n\"\\e[31mred\\u202e\": 1\n\"a\\nb: error: forged\": 2\n")
        #expect(result.diagnostics.count { $0.severity == .error } == 2)
        for diagnostic in result.diagnostics {
            #expect(diagnostic.rendered().unicodeScalars.allSatisfy { $0 == "\n" || !Quoting.isUnsafe($0) })
            #expect(diagnostic.message.unicodeScalars.allSatisfy { !Quoting.isUnsafe($0) })
            #expect(diagnostic.keyPath.unicodeScalars.allSatisfy { !Quoting.isUnsafe($0) })
        }
    }

    @Test func `masses of names are checked in time`() {
        func list(_ count: Int, _ line: (Int) -> String) -> String {
            (0..<count).map(line).joined(separator: "\n")
        }
        let upstreams = "version: 1\nupstreams:\n" + list(10_000) { "  u\($0): http://a\n" }
        let (unused, unusedTime) = Self.time(Array(upstreams.utf8))
        #expect(unused.allSatisfy { $0.severity == .warning } && unused.count == Reading.diagnosticsMax)
        #expect(unusedTime < .seconds(20))
        let (tooMany, _) = Self.time(Array((upstreams + "  more: http://a\n").utf8))
        #expect(tooMany.contains { $0.message == "`upstreams` may have at most 10000 entries" })
        let endpoints =
            "version: 1\nupstreams: { a: { endpoints: [" + list(20_000) { "http://h\($0)," } + "] } }\n"
        #expect(Self.time(Array(endpoints.utf8)).duration < .seconds(20))
        let methods =
            RouteConfigTests.head + list(20_000) { "- { path: /a, auth: o, to: u, methods: M\($0) }" }
        let (routes, routesTime) = Self.time(Array(methods.utf8))
        #expect(routes.isEmpty)
        #expect(routesTime < .seconds(20))
    }

    @Test func `10,000 routes are checked quickly`() {
        func seconds(_ line: (Int) -> String) -> Duration {
            var text = "version: 1\nlisteners: { l: 127.0.0.1:1 }\nauth: { o: { mode: none } }\n"
            text += "upstreams: { u: http://127.0.0.1:2 }\nroutes:\n"
            for index in 0..<10_000 { text += "- { auth: o, to: u, \(line(index)) }\n" }
            let (diagnostics, duration) = Self.time(Array(text.utf8))
            #expect(diagnostics.isEmpty, "\(diagnostics.first?.rendered() ?? "")")
            return duration
        }
        #expect(seconds { "path: /a/\($0)/**" } < .seconds(20))
        #expect(seconds { "path: /**, host: h\($0).example.com" } < .seconds(20))
        #expect(seconds { "path: /**, headers: { x-tenant: t\($0) }" } < .seconds(20))
        #expect(seconds { "path: \"/p\($0 + 10_000)*\"" } < .seconds(20))
    }
}

/// A generator whose numbers are the same on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct MutationTests {
    @Test(arguments: 0..<8)
    func `a damaged example gives a configuration or an error, never a crash`(_ seed: Int) throws {
        var generator = SeededGenerator(state: UInt64(seed))
        let files = [Array(try ExampleTests.example().utf8), Array(try ExampleTests.commentedHalf().utf8)]
        let marks = Array("[]{}:,&*!|>'\"%@`#-? \t\n$\0\u{7F}é".utf8)
        for _ in 0..<60 {
            var bytes = files.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes.removeLast(bytes.count - at)
                case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 2: bytes[at] = marks.randomElement(using: &generator) ?? 0
                case 3: bytes.insert(marks.randomElement(using: &generator) ?? 0, at: at)
                case _:
                    bytes.removeSubrange(
                        at..<min(bytes.count, at + Int.random(in: 1...40, using: &generator)))
                }
            }
            let parsed = ConfigDocument.parse(bytes, file: "mutant.yaml")
            let result =
                parsed.document?.read { _ in "value" } ?? (config: nil, diagnostics: parsed.diagnostics)
            #expect((result.config == nil) == result.diagnostics.contains { $0.severity == .error })
            for diagnostic in result.diagnostics {
                #expect(diagnostic.rendered().hasPrefix("mutant.yaml:\(diagnostic.line):"))
            }
        }
    }
}
