import Glibc
import JSON

/// The request that a route with `transform: simple_chat` takes: `{messages, model?, temperature?, stream?}`.
/// It goes on as it came, since it is a chat completion already; members that are not named here as well.
///
/// Cost: one pass, no allocation.
enum SimpleChatRequest {
    enum Verdict: Equatable {
        case valid(streams: Bool)
        case invalid
    }

    /// A request is valid that is one JSON object with
    /// - `messages`: a list, not empty, of objects with a `role`, which is `user`, `system` or `assistant`,
    ///   and a `content`, which is text or a list;
    /// - `model`: text, or not there;
    /// - `temperature`: a number from 0 to 2, or not there;
    /// - `stream`: true or false, null, or not there.
    ///
    /// None of these may come twice, lest the upstream reads another one than was looked at.
    static func check(_ body: UnsafeRawBufferPointer) -> Verdict {
        var check = Check(body)
        do throws(JSONError) { return try check.run() } catch { return .invalid }
    }

    private struct Member: OptionSet {
        let rawValue: UInt8
        static let messages = Member(rawValue: 1)
        static let model = Member(rawValue: 2)
        static let temperature = Member(rawValue: 4)
        static let stream = Member(rawValue: 8)
    }

    private struct Check {
        private let body: UnsafeRawBufferPointer
        private var reader: JSONReader
        private var streams = false
        private var temperature: Int?

        init(_ body: UnsafeRawBufferPointer) {
            self.body = body
            reader = JSONReader(body, depthLimit: JSONReader.depthMax)
        }

        mutating func run() throws(JSONError) -> Verdict {
            guard try reader.next() == .beginObject else { return .invalid }
            var seen: Member = []
            while case .key(let key) = try reader.next() {
                let member = member(key)
                guard seen.isDisjoint(with: member), try isValid(member) else { return .invalid }
                seen.insert(member)
            }
            guard try reader.next() == .end, seen.contains(.messages), isTemperatureValid else {
                return .invalid
            }
            return .valid(streams: streams)
        }

        /// Empty: another one.
        private func member(_ key: JSONString) -> Member {
            if reader.isEqual(key, "messages") { return .messages }
            if reader.isEqual(key, "model") { return .model }
            if reader.isEqual(key, "temperature") { return .temperature }
            return reader.isEqual(key, "stream") ? .stream : []
        }

        /// Reads the value of a member at the top.
        private mutating func isValid(_ member: Member) throws(JSONError) -> Bool {
            switch member {
            case .messages: return try areMessagesValid()
            case .model: if case .string = try reader.next() { return true } else { return false }
            case .temperature:
                guard case .number(let range, _) = try reader.next() else { return false }
                temperature = range.lowerBound
                return true
            case .stream:
                let event = try reader.next()
                streams = event == .bool(true)
                return streams || event == .bool(false) || event == .null
            default:
                _ = try reader.skipValue()
                return true
            }
        }

        private mutating func areMessagesValid() throws(JSONError) -> Bool {
            guard try reader.next() == .beginArray else { return false }
            var isEmpty = true
            while true {
                switch try reader.next() {
                case .endArray: return !isEmpty
                case .beginObject: guard try isMessageValid() else { return false }
                default: return false
                }
                isEmpty = false
            }
        }

        /// From behind its brace to behind the closing one.
        private mutating func isMessageValid() throws(JSONError) -> Bool {
            var hasRole = false
            var hasContent = false
            while case .key(let key) = try reader.next() {
                if reader.isEqual(key, "role") {
                    guard !hasRole, try isRoleValid() else { return false }
                    hasRole = true
                } else if reader.isEqual(key, "content") {
                    guard !hasContent, try isContentValid() else { return false }
                    hasContent = true
                } else {
                    _ = try reader.skipValue()
                }
            }
            return hasRole && hasContent
        }

        private mutating func isRoleValid() throws(JSONError) -> Bool {
            guard case .string(let role) = try reader.next() else { return false }
            return reader.isEqual(role, "user") || reader.isEqual(role, "assistant")
                || reader.isEqual(role, "system")
        }

        private mutating func isContentValid() throws(JSONError) -> Bool {
            switch body[try reader.skipValue().lowerBound] {
            case UInt8(ascii: "\""), UInt8(ascii: "["): true
            default: false
            }
        }

        /// Only once the whole body was read: the brace that closes it ends what `strtod(3)` reads.
        private var isTemperatureValid: Bool {
            guard let temperature, let base = body.baseAddress else { return true }
            let start = (base + temperature).assumingMemoryBound(to: CChar.self)
            return (0...2).contains(strtod(start, nil))
        }
    }
}
