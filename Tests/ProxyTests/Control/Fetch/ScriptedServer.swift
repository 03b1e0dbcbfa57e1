import CLinux
import Glibc

@testable import Proxy

/// A server on loopback that does to each connection what the test says, one after the other on a thread of
/// its own.
final class ScriptedServer: Sendable {
    private let listening: Int32
    let port: UInt16

    var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameter serve: the connection is closed behind it.
    init(_ serve: @escaping @Sendable (ScriptedConnection) -> Void) throws {
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let results = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                (
                    bind(listening, address, length), listen(listening, 8),
                    getsockname(listening, address, &length)
                )
            }
        }
        guard results == (0, 0, 0) else { throw Unexpected("cannot listen: \(errno)") }
        self.listening = listening
        port = UInt16(bigEndian: address.sin_port)
        try ControlThread.start("test-server") {
            while true {
                let accepted = accept(listening, nil, nil)
                guard accepted >= 0 else {
                    // Why here: closed elsewhere, the number could be another server's when it is accepted
                    // from.
                    close(listening)
                    return
                }
                serve(ScriptedConnection(accepted))
            }
        }
    }

    /// Nobody listens any more.
    func stop() {
        shutdown(listening, Int32(SHUT_RDWR))
    }

    /// Reads the request and sends this.
    convenience init(answering text: String) throws {
        try self.init { connection in
            connection.readHead()
            connection.send(text)
        }
    }
}

final class ScriptedConnection {
    private let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// - Returns: all there is up to the empty line, with what came with it.
    @discardableResult
    func readHead() -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !text.contains("\r\n\r\n") {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text
    }

    /// - Returns: false: the other side has gone.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// Waits until the other side goes.
    func waitForEnd() {
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) > 0 {}
    }
}

/// A program that runs beside the test and ends with it.
final class Companion {
    private let process: pid_t
    private let output: Int32

    init(_ arguments: [String], in folder: String) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Unexpected("pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var process = pid_t()
        // Why a shell: it is what goes into the folder first.
        let line = ["sh", "-c", "cd \"$0\" && exec \"$@\"", folder] + arguments
        var words = line.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let result = posix_spawnp(&process, "sh", &actions, nil, &words, environ)
        close(ends[1])
        guard result == 0 else { throw Unexpected("\(arguments[0]): errno \(result)") }
        self.process = process
        output = ends[0]
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        close(output)
    }

    /// What it says, up to its end or until `enough` is in it.
    func read(until enough: String? = nil) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !(enough.map { text.contains($0) } ?? false) {
            var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, patience) > 0 else { break }
            let count = Glibc.read(output, &buffer, buffer.count)
            guard count > 0 else { break }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text
    }
}
