/// How an answer is made, beyond what its request says.
struct MockOptions {
    /// Makes the answer's id unique.
    var number: Int
    var createdSeconds: Int
    /// `x-mock-chunks`; the words of the text by default.
    var chunkCount: Int?
    var chunkDelayMilliseconds: Int
}

/// The text of an answer, in pieces of one word: a piece is a token.
struct MockText {
    private let words: [String]
    /// Pieces to send; the words start again where there are more.
    let tokens: Int
    /// The request's own bound cut it short.
    let isCut: Bool
    let promptTokens: Int

    /// Most pieces of an answer that goes out in one piece.
    private static let wholeTokensMax = 1_000_000
    /// Longest part of the user's message that the text quotes, in characters.
    private static let quoteCharactersMax = 400
    private static let bounds = ["max_tokens", "max_completion_tokens", "max_output_tokens"]

    /// - Parameters:
    ///   - message: what the text answers.
    ///   - prompt: all that the model would have to read.
    init(
        to message: String, prompt: String, _ body: MockJSON, _ options: MockOptions
    ) throws(MockRefusal) {
        words = MockText.words(of: MockText.reply(to: message))
        promptTokens = MockText.tokens(in: prompt)
        let wanted = options.chunkCount ?? words.count
        var bound = wanted
        for name in MockText.bounds {
            guard let value = body[name], value != .null else { continue }
            guard let number = value.integerValue, number >= 1 else {
                throw MockRefusal(message: "`\(name)` is a number of tokens, at least 1.", param: name)
            }
            bound = min(bound, number)
        }
        tokens = bound
        isCut = bound < wanted
        if try !MockText.isStream(body), tokens > MockText.wholeTokensMax {
            throw MockRefusal(
                message: "x-mock-chunks is at most \(MockText.wholeTokensMax) where nothing is streamed.")
        }
    }

    subscript(piece: Int) -> String { words[piece % words.count] }

    /// All pieces together.
    var whole: String { (0..<tokens).map { self[$0] }.joined() }

    static func isStream(_ body: MockJSON) throws(MockRefusal) -> Bool {
        guard let stream = body["stream"], stream != .null else { return false }
        guard let isStream = stream.boolValue else {
            throw MockRefusal(message: "`stream` must be true or false.", param: "stream")
        }
        return isStream
    }

    /// About a token for four bytes, which is what English costs.
    static func tokens(in text: String) -> Int { (text.utf8.count + 3) / 4 }

    /// A text, or the text parts of a message's content.
    static func text(of content: MockJSON?) -> String {
        if let text = content?.stringValue { return text }
        return (content?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }.joined(separator: " ")
    }

    /// The messages of a conversation, each with a role.
    static func messages(_ value: MockJSON?, param: String) throws(MockRefusal) -> [MockJSON] {
        guard let messages = value?.arrayValue, !messages.isEmpty else {
            throw MockRefusal(message: "`\(param)` must be a non-empty array.", param: param)
        }
        for message in messages {
            guard message["role"]?.stringValue != nil else {
                throw MockRefusal(message: "Each message needs a `role`.", param: param)
            }
        }
        return messages
    }

    static func lastOfUser(_ messages: [MockJSON]) -> String {
        text(of: messages.last { $0["role"]?.stringValue == "user" }?["content"])
    }

    private static func reply(to message: String) -> String {
        let quoted = message.prefix(quoteCharactersMax)
        let said = quoted.isEmpty ? "You said nothing yet." : "You said: \u{201C}\(quoted)\u{201D}"
        return said + " I am headgate's mock upstream: I know nothing, and need no account for it."
    }

    /// The words with the space before each; joined they are the text again.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = ""
        for character in text {
            if character == " ", !word.isEmpty {
                words.append(word)
                word = ""
            }
            word.append(character)
        }
        words.append(word)
        return words
    }
}
