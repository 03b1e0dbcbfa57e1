import Glibc

@testable import Stores

/// A store of one test, with a clock that the test sets.
final class TestStore {
    let folder = TemporaryFolder()
    let path: String
    let store: Store
    /// Seconds since 1970.
    var now: Int64 = 1_800_000_000

    init(_ options: Store.Options = Store.Options()) throws {
        path = folder.path + "/app.db"
        try Store.prepare(path)
        store = try Store(opening: path, options: options)
        store.clock = { [unowned self] in now }
    }

    /// Another connection to the same file.
    func other(_ options: Store.Options = Store.Options()) throws -> Store {
        try Store(opening: path, options: options)
    }

    func user(_ name: String = "ann") throws -> User { try store.createUser(NewUser(username: name)) }

    func key(_ user: User, _ name: String = "app") throws -> (key: ClientKey, credential: Secret) {
        try store.createKey(NewClientKey(userID: user.id, name: name, prefix: "hg_"))
    }

    /// Rows of a statement, `|` between columns, from outside of the store.
    @discardableResult
    func query(_ sql: String) throws -> [String] { try sqlite3(path, sql) }
}

/// Functions of the C library that Swift's module leaves out.
enum NotImported {
    static let pipe2 = unsafeBitCast(
        dlsym(nil, "pipe2"), to: (@convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32).self)
    /// Of this thread alone.
    static let setfsuid = unsafeBitCast(
        dlsym(nil, "setfsuid"), to: (@convention(c) (uid_t) -> Int32).self)
}

extension Secret {
    var text: String { String(decoding: reveal(), as: UTF8.self) }
}

struct ShellFailure: Error {
    let output: String
}

/// What the `sqlite3` shell says to statements: another process, and another hand, at the same file.
@discardableResult
func sqlite3(_ path: String, _ sql: String) throws -> [String] {
    let shell = try Shell(["sqlite3", "-batch", path, sql])
    let (code, output) = shell.finish()
    guard code == 0 else { throw ShellFailure(output: output) }
    return output.split(separator: "\n").map(String.init)
}

/// A program that runs beside the test, its output in a pipe and its input too.
final class Shell {
    private let pid: pid_t
    private let input: Int32
    private let output: Int32

    init(_ arguments: [String]) throws {
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        guard NotImported.pipe2(&toChild, O_CLOEXEC) == 0, NotImported.pipe2(&fromChild, O_CLOEXEC) == 0
        else {
            throw ShellFailure(output: "pipe2: \(errno)")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 2)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, arguments[0], &actions, nil, &words, environ)
        close(toChild[0])
        close(fromChild[1])
        guard code == 0 else { throw ShellFailure(output: "\(arguments[0]): \(code)") }
        (self.pid, input, output) = (pid, toChild[1], fromChild[0])
    }

    func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        precondition(write(input, bytes, bytes.count) == bytes.count)
    }

    /// Waits for the next bytes of output.
    func hear() -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(output, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Ends the input and waits for the end.
    func finish() -> (code: Int32, output: String) {
        close(input)
        var text = ""
        while true {
            let piece = hear()
            if piece.isEmpty { break }
            text += piece
        }
        close(output)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return (status >> 8 & 0xFF, text)
    }
}
