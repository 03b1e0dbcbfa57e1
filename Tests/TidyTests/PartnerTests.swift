import Testing

/// Sources that must have a test file of their own: `Foo.swift` and `FooTests.swift` in the mirrored target.
/// A test file that takes several sources together says so: `// Covers Foo.swift, Bar.swift`.
///
/// Why not `Config`: it has one entry, text in and value or diagnostics out, and goldens hold every message
/// of it; tests of its files one by one would hold how it is made.
private let mirrored: [(sources: String, tests: String)] = [
    ("Sources/Proxy/Wire/", "Tests/ProxyTests/"),
    ("Sources/Proxy/Plan/", "Tests/ProxyTests/"),
    ("Sources/Stores/", "Tests/StoresTests/"),
]

private let machines = ["Exchange.swift", "Relay.swift", "Reload.swift", "ConnectionPool.swift"]

private func covered(_ folder: String) -> Set<String> {
    var names: Set<String> = []
    for file in SourceTree.tests where file.path.hasPrefix(folder) {
        let ending = "Tests.swift"
        if file.name.hasSuffix(ending) { names.insert(file.name.dropLast(ending.count) + ".swift") }
        for line in file.lines where line.hasPrefix("// Covers ") {
            let list = line.dropFirst("// Covers ".count)
            names.formUnion(list.split { $0 == "," || $0 == " " }.map(String.init))
        }
    }
    return names
}

@Test func `what decides has a test file of its own`() {
    for (sources, tests) in mirrored {
        let covered = covered(tests)
        for file in SourceTree.sources where file.path.hasPrefix(sources) {
            let isCovered = covered.contains(file.name)
            #expect(isCovered, "\(file) has no \(file.name.dropLast(6))Tests.swift below \(tests)")
        }
    }
}

@Test func `every machine has a test file of its own`() {
    let covered = covered("Tests/ProxyTests/")
    for file in SourceTree.sources where machines.contains(file.name) {
        #expect(covered.contains(file.name), "\(file)")
    }
}

@Test func `every test file tests something`() {
    for file in SourceTree.tests where file.name.hasSuffix("Tests.swift") {
        #expect(file.lines.contains { $0.contains("@Test") }, "\(file)")
        #expect(file.lines.contains { $0.contains("#expect") || $0.contains("#require") }, "\(file)")
    }
}
