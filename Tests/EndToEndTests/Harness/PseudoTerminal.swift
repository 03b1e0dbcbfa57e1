import Glibc

/// A terminal whose other end is the test.
final class PseudoTerminal {
    let path: String
    private let master: Int32
    private(set) var shown = ""

    init() throws {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard master >= 0 else { throw Trouble(errno: errno, in: "/dev/ptmx") }
        var locked: Int32 = 0
        var number: UInt32 = 0
        // TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)), which are macros.
        guard ioctl(master, 0x4004_5431, &locked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
            throw Trouble(errno: errno, in: "ioctl")
        }
        path = "/dev/pts/\(number)"
    }

    deinit { close(master) }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        precondition(write(master, bytes, bytes.count) == bytes.count)
    }

    func wait(for text: String) throws {
        try waitUntil("`\(text)` at the terminal") {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(master, &bytes, bytes.count)
            if count > 0 { shown += String(decoding: bytes[..<count], as: UTF8.self) }
            return shown.contains(text)
        }
    }

    var isEchoing: Bool {
        var settings = termios()
        return tcgetattr(master, &settings) == 0 && settings.c_lflag & tcflag_t(ECHO) != 0
    }
}
