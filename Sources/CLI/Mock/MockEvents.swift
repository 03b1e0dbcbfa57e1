/// One server-sent event.
struct MockEvent {
    /// Of the line `event:`; nil for none.
    var name: String?
    var data: MockJSON

    /// With its empty line.
    var text: String { (name.map { "event: \($0)\n" } ?? "") + "data: \(data.text)\n\n" }
}

/// The events of a stream, made one at a time so that an endless one takes no memory.
struct MockEvents {
    let text: MockText
    let delayMilliseconds: Int
    /// Events before the text, after it, and around each piece of it.
    let opening: [MockEvent]
    let closing: () -> [MockEvent]
    /// - Parameters: the piece's number, from 0, and the piece.
    let event: (Int, String) -> MockEvent
    /// The last event is `[DONE]`.
    let endsWithDone: Bool
    private var index = 0
    private var rest: [MockEvent]?

    init(
        text: MockText, delayMilliseconds: Int, opening: [MockEvent],
        closing: @escaping () -> [MockEvent], endsWithDone: Bool = false,
        event: @escaping (Int, String) -> MockEvent
    ) {
        self.text = text
        self.delayMilliseconds = delayMilliseconds
        self.opening = opening
        self.closing = closing
        self.endsWithDone = endsWithDone
        self.event = event
    }

    /// Pieces that were made.
    var piecesMade: Int { min(max(index - opening.count, 0), text.tokens) }

    func isDue(_ death: MockAnswer.Death) -> Bool {
        switch death {
        case .head, .reset: true
        case .middle: index >= opening.count + text.tokens / 2
        case .after(let pieces): index >= opening.count + pieces
        }
    }

    /// Whether a pause belongs before the next event: only pieces of text take time.
    var pausesNext: Bool { index > opening.count && index < opening.count + text.tokens }

    /// The next event, as it goes out; nil after the last.
    mutating func next() -> String? {
        defer { index += 1 }
        let piece = index - opening.count
        if piece < 0 { return opening[index].text }
        if piece < text.tokens { return event(piece, text[piece]).text }
        let closing = rest ?? closing()
        rest = closing
        let ending = piece - text.tokens
        if ending < closing.count { return closing[ending].text }
        return endsWithDone && ending == closing.count ? "data: [DONE]\n\n" : nil
    }
}
