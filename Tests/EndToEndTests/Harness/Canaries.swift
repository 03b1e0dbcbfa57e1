import Glibc

/// Secrets that must show nowhere, and the search for them: whole or in part, in clear, in base64, in hex and
/// percent-encoded.
final class Canaries: Sendable {
    /// One piece of one secret in one form.
    private struct Sign: Sendable {
        let name: String
        let bytes: [UInt8]
    }

    private struct State {
        var signs: [Sign] = []
        var secrets: [(name: String, text: String)] = []
    }

    private let state = Guarded(State())
    /// Long enough to come about by no accident, short enough to find a part.
    private static let pieceBytes = 12

    /// - Parameter shown: how many bytes at its beginning lists may show, to tell secrets apart.
    func add(_ name: String, _ secret: String, shown: Int = 16) throws {
        let bytes = Array(secret.utf8)
        guard bytes.count >= shown + Self.pieceBytes else { throw Trouble("\(name) is too short") }
        var signs: [Sign] = []
        for start in stride(from: bytes.count - Self.pieceBytes, through: shown, by: -Self.pieceBytes) {
            for (form, sign) in Self.forms(of: Array(bytes[start..<start + Self.pieceBytes])) {
                signs.append(Sign(name: "\(name) \(form)", bytes: sign))
            }
        }
        state.withLock {
            $0.signs += signs
            $0.secrets.append((name, secret))
        }
    }

    var secrets: [(name: String, text: String)] { state.withLock { $0.secrets } }

    /// What shows in the text, each once.
    func found(in bytes: [UInt8]) -> [String] {
        let signs = state.withLock { $0.signs }
        var names: [String] = []
        for sign in signs where !names.contains(sign.name) && Self.contains(sign.bytes, in: bytes) {
            names.append(sign.name)
        }
        return names
    }

    func found(in text: String) -> [String] { found(in: Array(text.utf8)) }

    /// Searches every file below the folder.
    /// - Parameter exempt: what the test itself wrote, by name.
    /// - Returns: `file: what shows`, and how many files were read.
    func search(_ folder: Folder, exempt: Set<String> = []) -> (found: [String], files: Int) {
        var (found, files): ([String], Int) = ([], 0)
        for path in Self.files(below: folder.path) where !exempt.contains(name(of: path)) {
            files += 1
            found += self.found(in: readBytes(path) ?? []).map { "\(path): \($0)" }
        }
        return (found, files)
    }

    private func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private static func contains(_ sign: [UInt8], in bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            guard let end = bytes.baseAddress.map({ $0 + bytes.count }) else { return false }
            var at = bytes.baseAddress!
            while let next = memchr(at, Int32(sign[0]), end - at), end - UnsafeRawPointer(next) >= sign.count
            {
                if memcmp(next, sign, sign.count) == 0 { return true }
                at = UnsafeRawPointer(next) + 1
            }
            return false
        }
    }

    private static func files(below path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: found += files(below: "\(path)/\(name)")
            case S_IFREG: found.append("\(path)/\(name)")
            case _: break
            }
        }
        return found.sorted()
    }

    // MARK: - Forms

    static func forms(of piece: [UInt8]) -> [(form: String, bytes: [UInt8])] {
        let percent = piece.flatMap { Array("%".utf8) + hex($0) }
        return [
            ("in clear", piece), ("in hex", piece.flatMap(hex)), ("in upper hex", upper(piece.flatMap(hex))),
            ("percent-encoded", percent), ("percent-encoded in upper hex", upper(percent)),
        ] + (0..<3).map { ("in base64", base64(piece, offset: $0)) }
    }

    /// The characters that stand for the piece alone where it begins at that byte of a group of three. The
    /// same in both alphabets, since no letter or digit yields what they differ in.
    static func base64(_ piece: [UInt8], offset: Int) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bits = (Array(repeating: 0, count: offset) + piece).flatMap { byte in
            (0..<8).map { Int(byte) >> (7 - $0) & 1 }
        }
        let first = (offset * 8 + 5) / 6
        return (first..<bits.count / 6).map { place in
            alphabet[bits[place * 6..<place * 6 + 6].reduce(0) { $0 * 2 + $1 }]
        }
    }

    private static func hex(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    private static func upper(_ text: [UInt8]) -> [UInt8] {
        text.map { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "f") ? $0 - 32 : $0 }
    }
}
