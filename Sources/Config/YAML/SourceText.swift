/// A place in the file, counted from 0 as libyaml counts: lines, and characters (Unicode scalars) in the
/// line.
struct Mark: Equatable, Sendable {
    var line: Int
    var column: Int
}

/// From the first character to behind the last.
struct Span: Equatable, Sendable {
    var start: Mark
    var end: Mark
}

/// The bytes of a file, cut into lines, for positions and excerpts.
///
/// Cost: one pass when made; afterwards every look-up is short, however long a line is, so that a thousand
/// diagnostics on one line of megabytes stay cheap.
struct SourceText: Sendable {
    let file: String
    /// The line of the first setting of the command line; they stand behind the file's own lines. `Int.max`
    /// where there is none.
    let settingsStart: Int
    /// Without a byte order mark.
    let bytes: [UInt8]
    private let lines: [Line]
    /// Offset of the first byte of every 1024th character.
    private let checkpoints: [Int]

    private struct Line {
        /// Offset of the first byte.
        let start: Int
        /// Characters of the file before it.
        let characters: Int
        /// Bytes, and as many characters, of the break at its end.
        var breakBytes = 0
        var breakCharacters = 0
    }

    /// A file is at most this long, in bytes: 4 MiB.
    static let byteCountMax = 4 << 20
    /// Characters of a line that an excerpt shows at most.
    static let excerptCountMax = 120
    private static let checkpointCharacters = 1024

    init(file: String, bytes: [UInt8]) {
        self.init(
            file: file,
            plainBytes: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes)
    }

    private init(file: String, plainBytes: [UInt8], settingsStart: Int = .max) {
        self.file = file
        bytes = plainBytes
        (lines, checkpoints) = Self.index(plainBytes)
        self.settingsStart = settingsStart
    }

    /// The same text with one more line for each of these.
    func with(_ settings: [ConfigSetting]) -> SourceText {
        guard !settings.isEmpty else { return self }
        // Why a break in any case: one at the end of the file ends its last line, and begins none.
        let endsLine = bytes.isEmpty || line(lineCount - 1).isEmpty
        let text = (endsLine ? "" : "\n") + settings.map { $0.text + "\n" }.joined()
        return SourceText(
            file: file, plainBytes: bytes + text.utf8, settingsStart: endsLine ? lineCount - 1 : lineCount)
    }

    /// Ends a line, as libyaml sees it.
    static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar)
    }

    /// At least 1.
    var lineCount: Int { lines.count - 1 }

    /// Bytes of a line (from 0) without its break.
    func line(_ index: Int) -> ArraySlice<UInt8> {
        guard (0..<lineCount).contains(index) else { return [] }
        return bytes[lines[index].start..<(lines[index + 1].start - lines[index].breakBytes)]
    }

    /// Characters of a line without its break.
    func characterCount(ofLine index: Int) -> Int {
        guard (0..<lineCount).contains(index) else { return 0 }
        return lines[index + 1].characters - lines[index].characters - lines[index].breakCharacters
    }

    /// Part of a line, cut where the line ends.
    func characters(ofLine index: Int, from: Int, count: Int) -> [Unicode.Scalar] {
        let available = max(0, min(count, characterCount(ofLine: index) - from))
        guard available > 0 else { return [] }
        let first = lines[index].characters + from
        let part = bytes[offset(ofCharacter: first)..<offset(ofCharacter: first + available)]
        return Array(String(decoding: part, as: UTF8.self).unicodeScalars)
    }

    func mark(ofByte offset: Int) -> Mark {
        var low = 0
        var high = lineCount
        while high - low > 1 {
            let middle = (low + high) / 2
            if lines[middle].start <= offset { low = middle } else { high = middle }
        }
        let before = bytes[lines[low].start..<min(offset, bytes.count)]
        return Mark(line: low, column: before.count { $0 & 0xC0 != 0x80 })
    }

    /// Characters in a span, as far as its first line goes. At least 1, so that a caret can be drawn.
    func length(of span: Span) -> Int {
        let end = span.end.line == span.start.line ? span.end.column : characterCount(ofLine: span.start.line)
        return max(1, end - span.start.column)
    }

    private func offset(ofCharacter character: Int) -> Int {
        let checkpoint = character / Self.checkpointCharacters
        guard checkpoint < checkpoints.count else { return bytes.count }
        var offset = checkpoints[checkpoint]
        for _ in 0..<(character % Self.checkpointCharacters) where offset < bytes.count {
            offset += 1
            while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
        }
        return offset
    }

    /// Why the same breaks as libyaml (YAML 1.1: also NEL, LS, PS): its marks must point into our lines.
    ///
    /// The last entry of the lines is the end of the file.
    private static func index(_ bytes: [UInt8]) -> (lines: [Line], checkpoints: [Int]) {
        var lines = [Line(start: 0, characters: 0)]
        var checkpoints: [Int] = []
        var nextCheckpoint = 0
        var characters = 0
        var offset = 0
        func endLine(breakBytes: Int, breakCharacters: Int) {
            lines[lines.count - 1].breakBytes = breakBytes
            lines[lines.count - 1].breakCharacters = breakCharacters
            lines.append(Line(start: offset + 1, characters: characters))
        }
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte & 0xC0 != 0x80 {
                if characters == nextCheckpoint {
                    checkpoints.append(offset)
                    nextCheckpoint += checkpointCharacters
                }
                characters += 1
            }
            if byte < 0x0E || byte >= 0x80 {
                if byte == 0x0A {
                    let isPair = offset > 0 && bytes[offset - 1] == 0x0D
                    endLine(breakBytes: isPair ? 2 : 1, breakCharacters: isPair ? 2 : 1)
                } else if byte == 0x0D, offset + 1 == bytes.count || bytes[offset + 1] != 0x0A {
                    endLine(breakBytes: 1, breakCharacters: 1)
                } else if byte == 0x85, offset > 0, bytes[offset - 1] == 0xC2 {
                    endLine(breakBytes: 2, breakCharacters: 1)
                } else if byte | 1 == 0xA9, offset > 1, bytes[offset - 1] == 0x80, bytes[offset - 2] == 0xE2 {
                    endLine(breakBytes: 3, breakCharacters: 1)
                }
            }
            offset += 1
        }
        lines.append(Line(start: bytes.count, characters: characters))
        return (lines, checkpoints)
    }
}
