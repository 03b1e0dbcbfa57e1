import Testing

private let pages = SourceTree.files("", ending: ".md")

@Test func `nothing is left for later`() {
    // Why put together: this file is searched as well.
    let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    for file in SourceTree.sources + SourceTree.tests + pages {
        for (index, line) in file.lines.enumerated() {
            for word in words { #expect(!file.hasWord(word, in: line), "\(file):\(index + 1)") }
        }
    }
}

@Test func `links between the project's pages lead somewhere`() {
    for page in pages {
        let folder = page.path.split(separator: "/").dropLast().map { $0 + "/" }.joined()
        for (index, line) in page.lines.enumerated() {
            for target in links(line) where !target.contains("://") && !target.hasPrefix("#") {
                let path = target.prefix { $0 != "#" }
                #expect(SourceTree.exists(folder + path), "\(page):\(index + 1) leads to \(target)")
            }
        }
    }
}

/// The targets of `[text](target)`.
private func links(_ line: Substring) -> [Substring] {
    line.split(separator: "](").dropFirst().compactMap {
        $0.split(separator: ")", omittingEmptySubsequences: false).first
    }
}

@Test func `the config example and the schema line up with the tree`() {
    #expect(SourceTree.exists("config.example.yaml"))
    #expect(SourceTree.exists("LICENSE"))
    #expect(SourceTree.exists("systemd/headgate.service"))
}
