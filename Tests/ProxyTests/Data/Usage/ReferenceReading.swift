@testable import Proxy

/// What `UsageTap` should see, read the plain way: the whole text at hand, a path of keys, dictionaries.
/// Where the text ends, reading ends; what was whole by then counts.
struct ReferenceReading {
    private(set) var usage: AnswerUsage?
    private(set) var tokensSeen = 0
    private var members: [String: UInt64] = [:]

    init(_ bytes: [UInt8], isEventStream: Bool) {
        guard isEventStream else {
            tokensSeen = (max(0, read(bytes, isEventStream)) + 3) / 4
            return
        }
        for event in String(decoding: bytes, as: UTF8.self).split(
            separator: "\n\n", omittingEmptySubsequences: true)
        {
            let lines = event.split(separator: "\n").filter { $0.hasPrefix("data: ") }
            let text = max(
                0, read(Array(lines.map { $0.dropFirst(6) }.joined(separator: "\n").utf8), isEventStream))
            tokensSeen += text == 0 ? 0 : text <= 16 ? 1 : (text + 3) / 4
        }
    }

    /// - Returns: bytes of text.
    private mutating func read(_ bytes: [UInt8], _ isEventStream: Bool) -> Int {
        var parser = Parser(bytes: bytes, isEventStream: isEventStream)
        try? parser.value([])
        for object in parser.usages {
            members.merge(settled(object)) { $1 }
            let prompt = members["prompt_tokens"]
            let read = members["cache_read_input_tokens"] ?? 0
            let onTop = read + (members["cache_creation_input_tokens"] ?? 0)
            usage = AnswerUsage(
                inputTokens: prompt ?? (members["input_tokens"] ?? 0) + onTop,
                outputTokens: members["completion_tokens"] ?? members["output_tokens"] ?? 0,
                cachedInputTokens: members["cached_tokens"] ?? members["prompt_cache_hit_tokens"] ?? read)
        }
        return parser.textBytes
    }

    private func settled(_ object: [String: UInt64]) -> [String: UInt64] {
        guard let total = object["total_tokens"] else { return object }
        var object = object
        let output = object["completion_tokens"] ?? object["output_tokens"] ?? 0
        let input = object["prompt_tokens"] ?? object["input_tokens"]
        if let input, total > input + output {
            object[object["prompt_tokens"] == nil ? "output_tokens" : "completion_tokens"] = total - input
        } else if input == nil {
            object["prompt_tokens"] = total - output
        }
        return object
    }

    private struct Parser {
        struct End: Error {}

        let bytes: [UInt8]
        let isEventStream: Bool
        var offset = 0
        var textBytes = 0
        var usages: [[String: UInt64]] = []
        var open: [String: UInt64] = [:]

        init(bytes: [UInt8], isEventStream: Bool) {
            self.bytes = bytes
            self.isEventStream = isEventStream
        }

        mutating func next() throws -> UInt8 {
            guard offset < bytes.count else { throw End() }
            offset += 1
            return bytes[offset - 1]
        }

        mutating func token() throws -> UInt8 {
            var byte = try next()
            while byte <= 0x20 { byte = try next() }
            return byte
        }

        /// `path`: keys from the top, `[]` for an array.
        mutating func value(_ path: [String]) throws {
            switch try token() {
            case UInt8(ascii: "{"): try object(path)
            case UInt8(ascii: "["):
                while true {
                    if try token() == UInt8(ascii: "]") { return }
                    offset -= 1
                    try value(path + ["[]"])
                    if try token() == UInt8(ascii: "]") { return }
                }
            case UInt8(ascii: "\""): _ = try string(isText: isText(path))
            default:
                let start = offset - 1
                while try !(",}] \n".utf8.contains(next())) {}
                offset -= 1
                guard path.contains("usage"), let key = path.last else { return }
                open[key] = UInt64(String(decoding: bytes[start..<offset], as: UTF8.self))
            }
        }

        private mutating func object(_ path: [String]) throws {
            let isUsage =
                path == ["usage"]
                || path.count == 2 && path[1] == "usage"
                    && ["response", "message", "x_groq"].contains(path[0])
            if isUsage { open = [:] }
            while true {
                var byte = try token()
                if byte == UInt8(ascii: ",") { byte = try token() }
                if byte == UInt8(ascii: "}") { break }
                let key = try string(isText: false)
                _ = try token()
                try value(path + [key])
            }
            if isUsage, !open.isEmpty { usages.append(open) }
        }

        private func isText(_ path: [String]) -> Bool {
            if path == ["delta"] { return true }
            let tops = isEventStream ? ["choices", "delta"] : ["choices", "delta", "output", "content"]
            let keys = [
                "content", "text", "reasoning", "reasoning_content", "thinking", "arguments", "partial_json",
                "refusal",
            ]
            return path.count > 1 && tops.contains(path[0]) && keys.contains(path.last!)
                && !path.contains("reasoning_details")
        }

        private mutating func string(isText: Bool) throws -> String {
            let start = offset
            while true {
                var byte = try next()
                if byte == UInt8(ascii: "\"") {
                    return String(decoding: bytes[start..<offset - 1], as: UTF8.self)
                }
                if byte == UInt8(ascii: "\\") {
                    byte = try next()
                    if isText, byte == UInt8(ascii: "u") { textBytes -= 2 }
                }
                if isText { textBytes += 1 }
            }
        }
    }
}
