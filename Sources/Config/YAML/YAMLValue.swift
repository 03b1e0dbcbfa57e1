/// A YAML text of another program as plain values, without the rules that headgate's own file has: the last
/// of two equal keys wins, and merge keys (`<<`) are filled in.
public indirect enum YAMLValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// As JSON writes it.
    case number(String)
    case text(String)
    case list([YAMLValue])
    /// In the order of the text.
    case mapping([Member])

    public struct Member: Equatable, Sendable {
        public let key: String
        public let value: YAMLValue
    }

    /// Why a text is no YAML that can be read, with its place.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// Up to 4 MiB of UTF-8, one document, without tags.
    public static func parse(_ bytes: [UInt8], file: String) throws(Failure) -> YAMLValue {
        guard bytes.count <= SourceText.byteCountMax else {
            throw Failure(description: "\(file) is larger than \(SourceText.byteCountMax) bytes")
        }
        let source = SourceText(file: file, bytes: bytes)
        if let problem = TextEncoding.firstProblem(in: source.bytes) {
            throw Failure(description: "\(file): \(problem.message)")
        }
        do throws(YAMLTree.Failure) {
            return YAMLValue(try YAMLTree.build(source).root)
        } catch {
            // Why without an excerpt: a line of it may hold a key.
            let mark = error.span.start
            throw Failure(description: "\(file):\(mark.line + 1):\(mark.column + 1): \(error.message)")
        }
    }

    init(_ node: Node) {
        switch node.kind {
        case .scalar(let text, .plain): self = YAMLValue(plain: text)
        case .scalar(let text, .quoted), .scalar(let text, .block): self = .text(text)
        case .sequence(let items): self = .list(items.map { YAMLValue($0) })
        case .mapping(let entries): self = .mapping(YAMLValue.members(entries, node.dropped))
        }
    }

    private init(plain text: String) {
        switch CoreScalar(text) {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let number), .float(let number): self = .number(number)
        case .unrepresentable: self = .text(text)
        case .text: self = YAMLValue(older: text)
        }
    }

    /// Words and numbers of YAML 1.1, which most programs in Python read: `yes`, `20_000`.
    private init(older text: String) {
        switch text {
        case "yes", "Yes", "YES", "on", "On", "ON": self = .bool(true)
        case "no", "No", "NO", "off", "Off", "OFF": self = .bool(false)
        case _:
            let digits = text.utf8.filter { $0 != UInt8(ascii: "_") }
            let isNumber =
                !digits.isEmpty && digits.allSatisfy(ASCII.isDigit) && text.utf8.first != UInt8(ascii: "_")
            self = isNumber ? .number(String(decoding: digits, as: UTF8.self)) : .text(text)
        }
    }

    private static func members(_ entries: [Node.Entry], _ dropped: [Node.Entry]) -> [Member] {
        var members = entries.map { Member(key: $0.key, value: YAMLValue($0.value)) }
        for entry in dropped where entry.key != "<<" {
            members.removeAll { $0.key == entry.key }
            members.append(Member(key: entry.key, value: YAMLValue(entry.value)))
        }
        for entry in dropped where entry.key == "<<" {
            let merged = YAMLValue(entry.value)
            for source in merged.items.isEmpty ? [merged] : merged.items {
                for member in source.members where !members.contains(where: { $0.key == member.key }) {
                    members.append(member)
                }
            }
        }
        return members
    }

    // MARK: Looking

    /// nil: there is no such key, or this is no mapping.
    public subscript(key: String) -> YAMLValue? { members.last { $0.key == key }?.value }

    /// Empty for what is no mapping.
    public var members: [Member] { if case .mapping(let members) = self { members } else { [] } }
    /// Empty for what is no list.
    public var items: [YAMLValue] { if case .list(let items) = self { items } else { [] } }

    /// A single value as it is written; nil: null, a list or a mapping.
    public var text: String? {
        switch self {
        case .text(let text), .number(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .null, .list, .mapping: nil
        }
    }

    /// A number, also where it stands in quotes.
    public var number: String? {
        switch self {
        case .number(let text): text
        case .text(let text): if case .number(let number) = YAMLValue(plain: text) { number } else { nil }
        case .null, .bool, .list, .mapping: nil
        }
    }

    public var integer: Int64? { number.flatMap { Int64($0) } }
    public var isNull: Bool { self == .null }
}
