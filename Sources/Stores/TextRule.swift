/// What a text must be that somebody outside gives: the same in requests and on the command line.
public struct TextRule: Sendable {
    /// Goes on after "must be".
    public let wanted: String
    public let accepts: @Sendable (String) -> Bool

    public static let passwordBytesMax = 4096
    public static let upstreamKeyBytesMax = 4096

    /// Enough of RFC 5321 §4.1.2 to catch mistakes: one `@`, a local part without blanks, quotes and
    /// brackets, a domain of labels with a dot among them; at most 254 bytes (RFC 5321 §4.5.3.1.3).
    public static let email = TextRule(wanted: "an e-mail address") { isEmail($0) }

    /// No `/`, which divides names in labels. An `@` stands in front or nowhere: a name that looks like
    /// somebody's address would take their place where a login takes either.
    /// - Parameter length: in Unicode scalars.
    public static func username(_ length: ClosedRange<Int>) -> TextRule {
        TextRule(
            wanted: "\(length.lowerBound) to \(length.upperBound) visible characters, without `/`, and `@` "
                + "at most in front"
        ) { text in
            length.contains(text.unicodeScalars.count) && isVisible(text) && !text.contains("/")
                && !text.dropFirst().contains("@")
        }
    }

    /// Text to look somebody up by: what is too long or odd to be known need not be told apart from unknown.
    public static let identity = TextRule(wanted: "1 to 320 bytes of text") {
        (1...320).contains($0.utf8.count) && !$0.utf8.contains(0)
    }

    /// - Parameter lengthMin: Unicode scalars.
    public static func password(lengthMin: Int) -> TextRule {
        TextRule(
            wanted: "at least \(lengthMin) character\(lengthMin == 1 ? "" : "s") and at most "
                + "\(passwordBytesMax) bytes, without NUL"
        ) { text in
            text.unicodeScalars.count >= lengthMin && text.utf8.count <= passwordBytesMax
                && !text.utf8.contains(0)
        }
    }

    /// 1 to `max` characters that can be seen.
    public static func name(max: Int) -> TextRule {
        TextRule(wanted: "1 to \(max) visible characters") {
            (1...max).contains($0.unicodeScalars.count) && isVisible($0)
        }
    }

    /// A telegram id: what people paste has digits alone; older clients send a name.
    public static let telegramID = TextRule(wanted: "a whole number, or 1 to 64 visible characters") {
        (1...64).contains($0.unicodeScalars.count) && isVisible($0)
    }

    /// What can stand in a header field (RFC 9110 §5.5), without blanks.
    public static func upstreamKey(prefix: String, lengthMin: Int) -> TextRule {
        let beginning = prefix.isEmpty ? "" : " that begin with `\(prefix)`"
        let lengthMin = max(1, lengthMin)
        return TextRule(
            wanted: "\(lengthMin) to \(upstreamKeyBytesMax) printable ASCII characters\(beginning)"
        ) { text in
            text.utf8.count >= lengthMin && text.utf8.count <= upstreamKeyBytesMax && text.hasPrefix(prefix)
                && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        }
    }

    /// Whether it shows as what it is: it controls, hides and turns round nothing.
    public static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            false
        default: true
        }
    }

    /// Nothing that controls, hides or turns round what stands beside it; no blank at an end.
    private static func isVisible(_ text: String) -> Bool {
        let ends = [text.unicodeScalars.first, text.unicodeScalars.last]
        return text.unicodeScalars.allSatisfy(isPlain)
            && ends.allSatisfy { $0.map { !$0.properties.isWhitespace } ?? false }
    }

    private static func isEmail(_ text: String) -> Bool {
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard text.utf8.count <= 254, halves.count == 2, isVisible(text) else { return false }
        let (local, domain) = (halves[0], halves[1])
        let odd = " \"(),:;<>[\\]"
        guard (1...64).contains(local.utf8.count), !local.contains(where: { odd.contains($0) }) else {
            return false
        }
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
            }
    }
}
