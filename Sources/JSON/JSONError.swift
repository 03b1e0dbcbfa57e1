/// Why a text is not the JSON that was wanted (RFC 8259).
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        case syntax, number, string, utf8, depth, size, duplicateKey, trailing
    }
    public let reason: Reason
    /// Where it shows; 0-based, in bytes.
    public let offset: Int

    public init(_ reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// Never quotes the text.
    public var description: String {
        let what =
            switch reason {
            case .syntax: "is not JSON"
            case .number: "has a number that is not JSON"
            case .string: "has a string that is not JSON"
            case .utf8: "is not valid UTF-8"
            case .depth: "is nested too deep"
            case .size: "is too large"
            case .duplicateKey: "has a key twice in one object"
            case .trailing: "goes on after its value"
            }
        return "\(what) (byte \(offset))"
    }
}
