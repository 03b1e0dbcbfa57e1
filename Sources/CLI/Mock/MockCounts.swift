/// What `GET /mock/counts` and `GET /mock/sent` tell, for tests that ask what reached the upstream, and what
/// it sent.
struct MockCounts: Equatable {
    var connectionsAccepted = 0
    var connectionsOpen = 0
    var requests = 0
    /// Answers whose client closed the connection before their end.
    var answersCancelled = 0
    /// By model.
    private var sent: [String: Sent] = [:]

    private struct Sent: Equatable {
        var answers = 0
        var inputTokens = 0
        var outputTokens = 0
    }

    /// A part of an answer went out.
    mutating func add(_ usage: MockUsage) {
        var sent = sent[usage.model, default: Sent()]
        if usage.isFirst { sent.answers += 1 }
        sent.inputTokens += usage.inputTokens
        sent.outputTokens += usage.outputTokens
        self.sent[usage.model] = sent
    }

    var json: MockJSON {
        [
            "connections_accepted": .integer(connectionsAccepted),
            "connections_open": .integer(connectionsOpen),
            "requests": .integer(requests), "answers_cancelled": .integer(answersCancelled),
        ]
    }

    var sentJSON: MockJSON {
        let members = sent.sorted { $0.key < $1.key }.map { model, sent in
            MockJSON.MockMember(
                name: model,
                value: [
                    "answers": .integer(sent.answers), "input_tokens": .integer(sent.inputTokens),
                    "output_tokens": .integer(sent.outputTokens),
                ])
        }
        return ["models": .object(members)]
    }
}

/// Tokens of an answer, or of a part of it.
struct MockUsage: Equatable {
    var model: String
    var inputTokens: Int
    var outputTokens: Int
    /// The first part that is counted.
    var isFirst = true

    /// - Parameter body: of the request.
    init(_ body: MockJSON, inputTokens: Int, outputTokens: Int = 0) {
        model = body["model"]?.stringValue ?? ""
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }
}
