import Glibc

/// A folder for one test, gone with it.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/headgate-test-XXXXXX\0".utf8CString)
        guard let made = mkdtemp(&template) else { fatalError("mkdtemp: \(errno)") }
        path = String(cString: made)
    }

    deinit { remove(path) }

    /// - Returns: the path of the file.
    @discardableResult
    func write(_ name: String, _ content: String) -> String {
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(descriptor >= 0, "cannot write \(file)")
        let bytes = Array(content.utf8)
        precondition(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        return file
    }

    private func remove(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." {
                    let child = path + "/" + name
                    if unlink(child) != 0 { remove(child) }
                }
            }
            closedir(folder)
        }
        rmdir(path)
    }
}
