import Glibc

/// A program that is run to its end.
enum Subprocess {
    struct Ended {
        /// Exit code; 128 and the number of the signal that ended it.
        let code: Int32
        /// What it said, on both streams.
        let output: String
    }

    /// - Parameter words: the program, found by `$PATH`, and what it is told.
    static func run(_ words: [String]) throws(ServiceError) -> Ended {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ServiceError("pipe: \(String(cString: strerror(errno)))") }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let failure = posix_spawnp(&process, words[0], &actions, nil, &arguments, environ)
        close(ends[1])
        guard failure == 0 else {
            throw ServiceError("\(words[0]) cannot be run: \(String(cString: strerror(failure)))")
        }
        let output = readAll(ends[0])
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return Ended(code: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: output)
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count > 0 {
                bytes += chunk[..<count]
            } else if count == 0 || errno != EINTR {
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}
