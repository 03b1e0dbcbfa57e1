import Testing

private let lineColumnsMax = 110
private let textColumnsMax = 160
private let fileLinesMax = 500
private let functionLinesMax = 70

private let swiftFiles = SourceTree.sources + SourceTree.tests

@Test func `no line is wider than a screen`() {
    for file in swiftFiles {
        var isInText = false
        for (index, line) in file.lines.enumerated() {
            if line.contains("\"\"\"") { isInText.toggle() }
            guard line.count > lineColumnsMax else { continue }
            // Why the exception: text is what goes out or comes in, an address has no place to break.
            let isText = isInText || startsWithText(line) || line.contains("https://")
            #expect(isText && line.count <= textColumnsMax, "\(file):\(index + 1) has \(line.count) columns")
        }
    }
}

/// Nothing but a literal, perhaps with what joins it to the line before.
private func startsWithText(_ line: Substring) -> Bool {
    line.drop { " +:?".contains($0) }.hasPrefix("\"")
}

@Test func `no file is longer than can be read at once`() {
    for file in swiftFiles {
        #expect(file.lines.count <= fileLinesMax, "\(file) has \(file.lines.count) lines")
    }
}

@Test func `no function is longer than a screen`() {
    for file in swiftFiles {
        for (start, line) in file.lines.enumerated() where isFunction(line) {
            let indentation = line.prefix { $0 == " " }
            let end = file.lines[start...].dropFirst().firstIndex { $0.hasPrefix(indentation + "}") } ?? start
            #expect(end - start + 1 <= functionLinesMax, "\(file):\(start + 1) has \(end - start + 1) lines")
        }
    }
}

private func isFunction(_ line: Substring) -> Bool {
    let words = line.split { $0 == " " || $0 == "(" || $0 == "<" }
    let modifiers: Set<Substring> = [
        "public", "private", "fileprivate", "internal", "static", "mutating", "final", "override",
        "convenience",
    ]
    guard let first = words.first(where: { !modifiers.contains($0) && !$0.hasPrefix("@") }) else {
        return false
    }
    return ["func", "init", "init?", "deinit", "subscript"].contains(first) && !line.hasSuffix("}")
}
