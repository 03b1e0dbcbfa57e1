/// What is wrong with the bytes before any YAML is looked at.
///
/// Why not leave it to libyaml: its reader works ahead of its scanner, so the position it gives is not the
/// place.
enum TextEncoding {
    struct Problem: Equatable {
        let offset: Int
        let message: String
        let hint: String?
    }

    /// The first byte that is not UTF-8 (RFC 3629 §4) or the first control character that YAML refuses (1.2.2
    /// §5.1).
    static func firstProblem(in bytes: [UInt8]) -> Problem? {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return Problem(offset: 0, message: "the file is UTF-16", hint: "save it as UTF-8")
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x80 {
                let allowed = byte >= 0x20 && byte != 0x7F || byte == 0x09 || byte == 0x0A || byte == 0x0D
                guard allowed else { return control(UInt32(byte), at: index) }
                index += 1
                continue
            }
            let length = sequenceLength(bytes[index...])
            guard length > 0 else {
                let message =
                    "the file is not UTF-8: byte 0x\(hex(UInt32(byte), digits: 2)) does not belong here"
                return Problem(offset: index, message: message, hint: "save it as UTF-8")
            }
            if byte == 0xC2, bytes[index + 1] < 0xA0, bytes[index + 1] != 0x85 {
                return control(UInt32(bytes[index + 1]), at: index)
            }
            index += length
        }
        return nil
    }

    private static func control(_ value: UInt32, at offset: Int) -> Problem {
        let message = "control character U+\(hex(value, digits: 4)) is not allowed"
        return Problem(offset: offset, message: message, hint: "write it as an escape in double quotes")
    }

    /// Bytes of the well-formed sequence at the front, or 0. Table 3-7 of the Unicode standard.
    private static func sequenceLength(_ bytes: ArraySlice<UInt8>) -> Int {
        let first = bytes[bytes.startIndex]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case _: return 0
        }
        guard bytes.count >= length, second.contains(bytes[bytes.startIndex + 1]) else { return 0 }
        let rest = bytes[(bytes.startIndex + 2)..<(bytes.startIndex + length)]
        return rest.allSatisfy { $0 & 0xC0 == 0x80 } ? length : 0
    }

    static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
