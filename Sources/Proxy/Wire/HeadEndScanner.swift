/// Whether the end of a head has come.
enum HeadEnd: Equatable {
    /// The empty line is there: the parser will not say incomplete.
    case found
    case incomplete
    /// A bare LF: an LF not preceded by CR. No head can hold it.
    case invalid
}

/// Remembers how far the end of an incomplete head has been looked for, so that a head arriving octet by
/// octet costs O(n) and not O(n²). Looks at line ends alone; everything else is the parser's.
struct HeadEndScanner: Equatable {
    /// Octets that need no second look.
    private var scanned = 0
    /// Where the line that is being scanned begins.
    private var lineStart = 0
    /// An empty line at the very start is not the end: requests may have one (RFC 9112 §2.2).
    private var skipsEmptyLine = true

    init() {}

    /// For a trailer section, which is at its end with an empty first line.
    static var trailers: HeadEndScanner {
        var scanner = HeadEndScanner()
        scanner.skipsEmptyLine = false
        return scanner
    }

    /// - Parameter bytes: all that has come of the head so far, from its start.
    mutating func scan(_ bytes: UnsafeRawBufferPointer) -> HeadEnd {
        guard let base = bytes.baseAddress else { return .incomplete }
        while true {
            let feed = ByteScan.first(Byte.lf, base, from: scanned, end: bytes.count)
            guard feed < bytes.count else {
                scanned = bytes.count
                return .incomplete
            }
            guard feed > lineStart, ByteScan.octet(base, feed - 1) == Byte.cr else { return .invalid }
            if feed - lineStart == 1, lineStart > 0 || !skipsEmptyLine { return .found }
            scanned = feed + 1
            lineStart = feed + 1
        }
    }
}
