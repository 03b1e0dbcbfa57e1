import Glibc

/// The files of the project as text, found from where this file stands.
struct SourceFile: CustomStringConvertible {
    /// From the top of the project: `Sources/Proxy/Wire/Head.swift`.
    let path: String
    let lines: [Substring]

    var name: String { String(path.split(separator: "/").last ?? "") }
    var description: String { path }

    /// Lines that are no comment, with their numbers from 1.
    var code: [(number: Int, text: Substring)] {
        lines.enumerated().compactMap { index, line in
            let trimmed = line.drop { $0 == " " }
            return trimmed.hasPrefix("//") ? nil : (index + 1, line)
        }
    }

    func hasWord(_ word: String, in line: Substring) -> Bool {
        line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.contains { $0 == word }
    }
}

enum SourceTree {
    static let root: String = {
        // Tests/TidyTests/SourceTree.swift
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// Every file below a folder whose name ends so, without what was built.
    static func files(_ folder: String, ending: String = ".swift") -> [SourceFile] {
        paths(folder).filter { $0.hasSuffix(ending) }.sorted().map { path in
            let text = read(path)
            return SourceFile(
                path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }

    static let sources = files("Sources")
    static let tests = files("Tests")

    static func exists(_ path: String) -> Bool { access(root + "/" + path, F_OK) == 0 }

    static func read(_ path: String) -> String {
        let descriptor = open(root + "/" + path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    private static func paths(_ folder: String) -> [String] {
        guard let directory = opendir(root + "/" + folder) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            let path = folder.isEmpty ? name : folder + "/" + name
            if Int32(entry.pointee.d_type) == Int32(DT_DIR) {
                found += paths(path)
            } else {
                found.append(path)
            }
        }
        return found
    }
}
