import Glibc

/// A folder of the test's own, removed with all that is in it.
final class Folder: Resource {
    let path: String

    init() throws {
        var template = Array("/tmp/headgate-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Trouble(errno: errno, in: "mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        Scenario.keep(self)
    }

    func end() { Folder.remove(path) }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Written beside it and renamed over it, as editors do.
    func replace(_ name: String, with text: String) throws {
        try write("\(name).new", text)
        guard rename(self("\(name).new"), self(name)) == 0 else { throw Trouble(errno: errno, in: "rename") }
    }

    /// Written in place.
    func write(_ name: String, _ text: String, append: Bool = false) throws {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC)
        let descriptor = open(self(name), flags, 0o600)
        guard descriptor >= 0 else { throw Trouble(errno: errno, in: "open \(name)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Trouble(errno: errno, in: "write \(name)") }
            sent += count
        }
    }

    func read(_ name: String) -> String { readFile(self(name)) ?? "" }

    func exists(_ name: String) -> Bool { access(self(name), F_OK) == 0 }

    func makeFolder(_ name: String) throws {
        guard mkdir(self(name), 0o700) == 0 else { throw Trouble(errno: errno, in: "mkdir \(name)") }
    }

    /// Points the link at another target at once, by a rename.
    func link(_ name: String, to target: String) throws {
        let beside = self("\(name).link")
        guard symlink(target, beside) == 0, rename(beside, self(name)) == 0 else {
            throw Trouble(errno: errno, in: "symlink \(name)")
        }
    }

    func remove(_ name: String) throws {
        guard unlink(self(name)) == 0 else { throw Trouble(errno: errno, in: "unlink \(name)") }
    }

    func move(_ name: String, to other: String) throws {
        guard rename(self(name), self(other)) == 0 else { throw Trouble(errno: errno, in: "rename \(name)") }
    }

    private static func remove(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name != ".", name != ".." else { continue }
                let inner = "\(path)/\(name)"
                var status = stat()
                if lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                    remove(inner)
                } else {
                    unlink(inner)
                }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}

/// nil: there is no such file, or it cannot be read.
func readFile(_ path: String) -> String? { readBytes(path).map { String(decoding: $0, as: UTF8.self) } }

/// nil: there is no such file, or it cannot be read.
func readBytes(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = read(descriptor, &piece, piece.count)
        guard count > 0 else { break }
        bytes += piece[..<count]
    }
    return bytes
}
