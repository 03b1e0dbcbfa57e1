import Testing

/// The points of the five systems that `examples/` stand in for, by the numbers that tests name them by: `S0`
/// to `S4`, and where they contradict each other, `C`.
private let points = [("S0-", 60), ("S1-", 50), ("S2-", 46), ("S3-", 30), ("S4-", 68), ("C", 49)]

/// Ids in a text, ranges (`S0-43…46`, `C11–C14`) spelled out.
private func ids(in text: some StringProtocol) -> Set<String> {
    var found: Set<String> = []
    for (prefix, count) in points {
        var rest = Substring(text)
        while let range = rest.firstRange(of: prefix) {
            let before = rest[..<range.lowerBound].last
            rest = rest[range.upperBound...]
            guard before.map({ !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" }) ?? true,
                let first = takeNumber(&rest), first <= count, first > 0
            else { continue }
            var last = first
            var ahead = rest
            if takeRange(&ahead), ahead.hasPrefix(prefix) || ahead.first?.isNumber == true {
                if ahead.hasPrefix(prefix) { ahead = ahead.dropFirst(prefix.count) }
                if let end = takeNumber(&ahead), end > first, end <= count { last = end }
            }
            for number in first...last { found.insert(id(prefix, number)) }
        }
    }
    return found
}

private func id(_ prefix: String, _ number: Int) -> String {
    prefix + (prefix == "C" || number > 9 ? "" : "0") + String(number)
}

private func takeNumber(_ text: inout Substring) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    // Why two: that is how they are written, and a longer number is another thing.
    guard (1...2).contains(digits.count) else { return nil }
    text = text[digits.endIndex...]
    guard text.first.map({ !$0.isLetter && $0 != "_" }) ?? true else { return nil }
    return Int(digits)
}

private func takeRange(_ text: inout Substring) -> Bool {
    for mark in ["…", "–", "...", ".."] where text.hasPrefix(mark) {
        text = text.dropFirst(mark.count)
        return true
    }
    return false
}

@Test func `ids and ranges of them are found`() {
    #expect(
        ids(in: "S0-03, S0-43…46 and S1-37…S1-40; C1, C11–C14.") == [
            "S0-03", "S0-43", "S0-44", "S0-45", "S0-46", "S1-37", "S1-38", "S1-39", "S1-40", "C1", "C11",
            "C12",
            "C13", "C14",
        ])
    #expect(ids(in: "S9-01 xS0-01 S0-99 C50 C123 AC1 S0-1x") == [])
}

/// A comment or the name of a test.
private func isSaying(_ line: Substring) -> Bool {
    let text = line.drop { $0 == " " }
    return ["//", "#", "func `", "@Test"].contains { text.hasPrefix($0) }
        || text.firstRange(of: "func `") != nil
}

/// Every point is shown by a test, or listed in `examples/README.md` with the reason why not.
@Test func `every point of the five systems is tested or told`() {
    let files = SourceTree.tests + SourceTree.files("Tests/Systemd", ending: "")
    var tested: Set<String> = []
    for file in files where !file.path.hasPrefix("Tests/TidyTests/") {
        for line in file.lines where isSaying(line) { tested.formUnion(ids(in: line)) }
    }
    let told = ids(in: SourceTree.read("examples/README.md"))
    for (prefix, count) in points {
        for number in 1...count {
            let id = id(prefix, number)
            #expect(
                tested.contains(id) || told.contains(id), "\(id) is in no test, and not in examples/README.md"
            )
        }
    }
}
