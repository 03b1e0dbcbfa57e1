/// Words as other programs write them.
enum ForeignText {
    /// What no program means by yes is no: nobody comes in by a word that cannot be read.
    static func flag(_ text: String) -> Bool {
        ["1", "1.0", "true", "t", "yes", "y"].contains(text.lowercased())
    }

    /// Without the byte order mark (U+FEFF) that some programs begin their files with.
    static func withoutMark(_ bytes: [UInt8]) -> [UInt8] {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        return bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
    }
}
