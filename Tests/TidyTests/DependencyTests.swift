import Testing

/// What a folder may import. A folder that is not named may import anything but Foundation.
private let allowedImports: [(folder: String, modules: Set<String>)] = [
    ("Sources/Proxy/Wire/", []),
    ("Sources/Proxy/Plan/", ["Glibc", "Synchronization"]),
    ("Sources/Proxy/Data/", ["Glibc", "CLinux", "COpenSSL", "JSON", "Synchronization"]),
    ("Sources/Config/", ["CYAML"]),
    ("Sources/JSON/", []),
    ("Sources/Stores/", ["CCrypt", "COpenSSL", "CSQLite", "Glibc", "JSON"]),
]

private func imports(_ file: SourceFile) -> [String] {
    file.code.compactMap { _, line in
        let words = line.split(separator: " ")
        guard let at = words.firstIndex(of: "import"), at <= 1, at + 1 < words.count else { return nil }
        return String(words[at + 1])
    }
}

@Test func `the project is found`() {
    #expect(SourceTree.sources.count > 50)
    #expect(SourceTree.exists("Package.swift"))
}

@Test func `nothing in the product imports Foundation`() {
    for file in SourceTree.sources {
        let found = imports(file).filter { $0.hasPrefix("Foundation") }
        #expect(found == [], "\(file)")
    }
}

@Test func `each folder imports what the dependency rule allows`() {
    for (folder, modules) in allowedImports {
        let files = SourceTree.sources.filter { $0.path.hasPrefix(folder) }
        #expect(!files.isEmpty, "\(folder) is gone")
        for file in files {
            #expect(Set(imports(file)).subtracting(modules) == [], "\(file)")
        }
    }
}

/// Types that a folder declares for others to use.
private func declaredTypes(_ folder: String) -> Set<String> {
    var names: Set<String> = []
    for file in SourceTree.sources where file.path.hasPrefix(folder) {
        for (_, line) in file.code where !line.hasPrefix(" ") && !line.hasPrefix("private") {
            let words = line.split { $0 == " " || $0 == ":" || $0 == "<" }
            guard let at = words.firstIndex(where: { ["class", "struct", "enum", "protocol"].contains($0) }),
                at + 1 < words.count
            else { continue }
            names.insert(String(words[at + 1]))
        }
    }
    return names
}

private func expectNone(of names: Set<String>, in folders: [String], _ reason: String) {
    for file in SourceTree.sources where folders.contains(where: { file.path.hasPrefix($0) }) {
        for (number, line) in file.code {
            let words = Set(line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
            let found = words.intersection(names).sorted()
            #expect(found == [], "\(file):\(number) names \(found): \(reason)")
        }
    }
}

@Test func `the data plane names nothing of control`() {
    let control = declaredTypes("Sources/Proxy/Control/")
    #expect(control.contains("Supervisor"))
    expectNone(
        of: control, in: ["Sources/Proxy/Data/", "Sources/Proxy/Plan/", "Sources/Proxy/Wire/"],
        "arrows point down")
}

@Test func `the wire names nothing of plans or the data plane`() {
    let above = declaredTypes("Sources/Proxy/Plan/").union(declaredTypes("Sources/Proxy/Data/"))
    #expect(above.contains("Generation"))
    expectNone(of: above, in: ["Sources/Proxy/Wire/"], "arrows point down")
}

/// Why these: the data plane and the wire exist to move bytes, plans hold the bytes that they compare, and
/// the tree builder, the mock and the cryptography sit on C libraries and sockets. Everywhere else a pointer
/// is a mistake waiting.
private let pointerFolders = [
    "Sources/Proxy/Data/", "Sources/Proxy/Wire/", "Sources/Proxy/Plan/", "Sources/Config/YAML/",
    "Sources/CLI/Mock/", "Sources/JSON/", "Sources/Stores/SQLite/", "Sources/Stores/Crypto/",
    "Sources/Proxy/Control/JWT/Crypto/",
]

@Test func `pointers stay behind their fence`() {
    for file in SourceTree.sources where !pointerFolders.contains(where: { file.path.hasPrefix($0) }) {
        for (number, line) in file.code {
            let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            let found = words.filter { $0.hasPrefix("Unsafe") && $0.hasSuffix("Pointer") }
            #expect(found.isEmpty, "\(file):\(number)")
        }
    }
}

/// Machines list every state, so that a new one is a compile error at each event.
private let machines = ["Exchange.swift", "Relay.swift", "Reload.swift", "ConnectionPool.swift"]

@Test func `machines have no catch-all case`() {
    let found = SourceTree.sources.filter { machines.contains($0.name) }
    #expect(found.contains { $0.name == "Reload.swift" })
    for file in found {
        for (number, line) in file.code {
            let text = line.drop { $0 == " " }
            #expect(!text.hasPrefix("default:") && !text.hasPrefix("case _:"), "\(file):\(number)")
        }
    }
}
