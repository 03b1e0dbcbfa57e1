/// A place in the file, counted from 0 as libyaml counts: lines, and characters (Unicode scalars) in the line.
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
struct SourceText: Sendable {
    let file: String
    /// Without a byte order mark.
    let bytes: [UInt8]
    /// Offset of the first byte of each line.
    private let lineStarts: [Int]

    /// A file is at most this long, in bytes: 4 MiB.
    static let byteCountMax = 4 << 20
    /// Characters of a line that an excerpt shows at most.
    static let excerptCountMax = 120

    init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        lineStarts = Self.findLines(self.bytes)
    }

    var lineCount: Int { lineStarts.count }

    /// Bytes of a line (from 0) without its break.
    func line(_ index: Int) -> ArraySlice<UInt8> {
        guard lineStarts.indices.contains(index) else { return [] }
        let end = index + 1 < lineStarts.count ? lineStarts[index + 1] : bytes.count
        var line = bytes[lineStarts[index]..<end]
        let breaks: [[UInt8]] = [[0x0D, 0x0A], [0x0A], [0x0D], [0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xA9]]
        if let found = breaks.first(where: { line.count >= $0.count && line.suffix($0.count).elementsEqual($0) }) {
            line = line.dropLast(found.count)
        }
        return line
    }

    func mark(ofByte offset: Int) -> Mark {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let before = bytes[lineStarts[low]..<min(offset, bytes.count)]
        return Mark(line: low, column: before.count { $0 & 0xC0 != 0x80 })
    }

    /// Characters in a span, as far as its first line goes. At least 1, so that a caret can be drawn.
    func length(of span: Span) -> Int {
        let lineEnd = line(span.start.line).count { $0 & 0xC0 != 0x80 }
        let end = span.end.line == span.start.line ? span.end.column : lineEnd
        return max(1, end - span.start.column)
    }

    /// Why the same breaks as libyaml (YAML 1.1: also NEL, LS, PS): its marks must point into our lines.
    private static func findLines(_ bytes: [UInt8]) -> [Int] {
        var starts = [0]
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case 0x0A:
                starts.append(index)
            case 0x0D:
                if index < bytes.count, bytes[index] == 0x0A { index += 1 }
                starts.append(index)
            case 0xC2 where index < bytes.count && bytes[index] == 0x85:
                index += 1
                starts.append(index)
            case 0xE2 where index + 1 < bytes.count && bytes[index] == 0x80 && bytes[index + 1] | 1 == 0xA9:
                index += 2
                starts.append(index)
            case _:
                continue
            }
        }
        return starts
    }
}
