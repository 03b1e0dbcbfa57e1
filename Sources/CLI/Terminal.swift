import Glibc
import Stores

/// Lines for whoever typed the command.
enum Terminal {
    static func print(_ text: String) { write(text, to: STDOUT_FILENO) }
    static func printError(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Text from a file, without what a terminal would obey or what would show it as another.
    static func printable(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            shown.unicodeScalars.append(TextRule.isPlain(scalar) ? scalar : "\u{FFFD}")
        }
        return shown
    }

    /// The same, where line ends stay.
    static func printableLines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { printable(String($0)) }
            .joined(separator: "\n")
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array((text.utf8.last == UInt8(ascii: "\n") ? text : text + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return
            }
        }
    }
}
