import Glibc

/// Why a file could not be read.
public enum FileReadError: Error, Equatable, CustomStringConvertible {
    case missing
    case tooLarge(limitBytes: Int)
    case failed(errno: Int32)

    public var description: String {
        switch self {
        case .missing: "no such file"
        case .tooLarge(let limit): "larger than \(limit) bytes"
        case .failed(let code): String(cString: strerror(code))
        }
    }
}

/// Reads a whole regular file. Blocks: for control threads only.
///
/// - Throws: `.missing` where nothing (or a broken link) stands at `path`, `.tooLarge` beyond `limitBytes`,
///   `.failed` with the call's `errno` otherwise (a directory is EISDIR).
public func readFile(_ path: String, limitBytes: Int) throws(FileReadError) -> [UInt8] {
    // Why O_NONBLOCK: opening a FIFO would otherwise wait for a writer for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw errno == ENOENT ? .missing : .failed(errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .failed(errno: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw .failed(errno: EISDIR) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { return bytes }
        if count < 0 {
            if errno == EINTR { continue }
            throw .failed(errno: errno)
        }
        guard bytes.count + count <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
        bytes.append(contentsOf: chunk[..<count])
    }
}
