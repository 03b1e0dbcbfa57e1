/// `POST /v1/embeddings`: vectors of length 1 that depend on the input alone, as numbers or as base64.
enum MockEmbedding {
    private static let dimensionsDefault = 16
    private static let dimensionsMax = 4096
    private static let inputsMax = 2048

    static func answer(_ body: MockJSON) throws(MockRefusal) -> MockAnswer {
        let inputs = try inputs(of: body["input"])
        let encoding = body["encoding_format"]?.stringValue ?? "float"
        guard encoding == "float" || encoding == "base64" else {
            throw MockRefusal(message: "`encoding_format` is `float` or `base64`.", param: "encoding_format")
        }
        let dimensions = body["dimensions"].map { $0.integerValue ?? 0 } ?? dimensionsDefault
        guard 1...dimensionsMax ~= dimensions else {
            throw MockRefusal(message: "`dimensions` is 1 to \(dimensionsMax).", param: "dimensions")
        }
        let data = inputs.enumerated().map { index, input -> MockJSON in
            let vector = vector(of: input, dimensions: dimensions)
            let embedding: MockJSON =
                encoding == "base64"
                ? .string(base64(littleEndianBytes(vector))) : .array(vector.map { .number(Double($0)) })
            return ["object": "embedding", "index": .integer(index), "embedding": embedding]
        }
        let tokens = inputs.reduce(0) { $0 + MockText.tokens(in: $1) }
        var answer = MockAnswer.json([
            "object": "list", "data": .array(data), "model": body["model"] ?? nil,
            "usage": ["prompt_tokens": .integer(tokens), "total_tokens": .integer(tokens)],
        ])
        answer.usage = MockUsage(body, inputTokens: tokens)
        return answer
    }

    /// A text, texts, the tokens of a text, or the tokens of several; tokens are taken as their JSON text.
    private static func inputs(of value: MockJSON?) throws(MockRefusal) -> [String] {
        if let text = value?.stringValue { return [text] }
        guard let elements = value?.arrayValue, !elements.isEmpty, elements.count <= inputsMax else {
            throw MockRefusal(message: "`input` is a text or 1 to \(inputsMax) of them.", param: "input")
        }
        if elements.allSatisfy({ $0.integerValue != nil }) { return [MockJSON.array(elements).text] }
        return elements.map { $0.stringValue ?? $0.text }
    }

    /// Numbers from a generator that the text seeds (FNV-1a, then SplitMix64), scaled to length 1.
    private static func vector(of text: String, dimensions: Int) -> [Float] {
        var state = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let raw = (0..<dimensions).map { _ -> Double in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return Double((mixed ^ mixed >> 31) >> 11) / Double(1 << 52) - 1
        }
        let length = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return raw.map { Float(length > 0 ? $0 / length : $0) }
    }

    private static func littleEndianBytes(_ vector: [Float]) -> [UInt8] {
        vector.flatMap { value in
            let bits = value.bitPattern
            return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        }
    }

    /// RFC 4648 §4, padded.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(
                    place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
