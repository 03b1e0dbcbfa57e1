import CLinux
import Glibc

/// Sees changes of files through the directories that they are in, so that a rename over a file, a file that
/// comes back and a symbolic link that is swapped (as Kubernetes does with `..data`) are all seen.
///
/// On the way from a path to its file every link is followed, and the directory of each link is watched for
/// that link's name. Where a part of the path does not exist, its parent is watched for it to appear.
final class ConfigWatcher {
    let descriptor: Int32

    private struct Directory {
        let path: String
        var names: Set<String>
    }

    private var directories: [Int32: Directory] = [:]
    private var paths: [String] = []

    /// Longest chain of links that is followed, as the kernel's own.
    static let linksMax = 40
    private static let mask = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF
            | IN_MOVE_SELF)
    /// Events about the directory itself, or about events that were lost: anything may have changed.
    private static let directoryMask = UInt32(
        IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_Q_OVERFLOW | IN_UNMOUNT)

    init() throws(SystemError) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(call: "inotify_init1", errno: errno) }
    }

    deinit { close(descriptor) }

    /// Watches these absolute paths and nothing else.
    /// - Returns: whether a directory is watched that was not before: what happened in it until now was not
    ///   seen.
    @discardableResult
    func watch(_ paths: [String]) -> Bool {
        self.paths = paths
        var wanted: [String: Set<String>] = [:]
        for path in paths {
            for (directory, name) in ConfigWatcher.steps(to: path) {
                wanted[directory, default: []].insert(name)
            }
        }
        var next: [Int32: Directory] = [:]
        var isAnyNew = false
        for (path, names) in wanted {
            let watch = inotify_add_watch(descriptor, path.isEmpty ? "/" : path, ConfigWatcher.mask)
            guard watch >= 0 else {
                Log.warning("cannot watch \(path): \(String(cString: strerror(errno))); SIGHUP still reloads")
                continue
            }
            if directories[watch] == nil { isAnyNew = true }
            next[watch, default: Directory(path: path, names: [])].names.formUnion(names)
        }
        for watch in directories.keys where next[watch] == nil { inotify_rm_watch(descriptor, watch) }
        directories = next
        return isAnyNew
    }

    /// Takes what has happened. Call when the descriptor is readable.
    /// - Returns: whether anything watched may have changed.
    func takeEvents() -> Bool {
        var hasChanged = false
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            if isConcerned(buffer[..<count]) { hasChanged = true }
        }
        // Why: a link may point elsewhere now, and a directory may be another one.
        if hasChanged { watch(paths) }
        return hasChanged
    }

    /// Walks `struct inotify_event`s: watch, mask, cookie, length of the name, the name padded with NUL.
    private func isConcerned(_ events: ArraySlice<UInt8>) -> Bool {
        var isConcerned = false
        events.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 16 <= bytes.count {
                let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                let name = bytes[(offset + 16)..<min(offset + 16 + length, bytes.count)].prefix { $0 != 0 }
                offset += 16 + length
                if mask & UInt32(IN_Q_OVERFLOW) != 0 { isConcerned = true }
                guard let directory = directories[watch] else { continue }
                if mask & UInt32(IN_IGNORED) != 0 { directories[watch] = nil }
                if mask & ConfigWatcher.directoryMask != 0
                    || directory.names.contains(String(decoding: name, as: UTF8.self))
                {
                    isConcerned = true
                }
            }
        }
        return isConcerned
    }

    /// The directories to watch for a path, each with the name to watch for in it.
    static func steps(to path: String) -> [(directory: String, name: String)] {
        var steps: [(String, String)] = []
        var rest = path.split(separator: "/").map(String.init)[...]
        var directory = ""
        var links = 0
        while let name = rest.popFirst() {
            if name == "." { continue }
            if name == ".." {
                directory = Path.folder(of: directory)
                continue
            }
            let full = directory + "/" + name
            var status = stat()
            guard lstat(full, &status) == 0 else { return steps + [(directory, name)] }
            if status.st_mode & S_IFMT == S_IFLNK, links < linksMax, let target = target(of: full) {
                links += 1
                steps.append((directory, name))
                if target.hasPrefix("/") { directory = "" }
                rest = target.split(separator: "/").map(String.init)[...] + rest
            } else if rest.isEmpty {
                steps.append((directory, name))
            } else {
                directory = full
            }
        }
        return steps
    }

    private static func target(of link: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
