import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct TokenQuestionsTests {
    private let mailbox: Mailbox
    init() throws { mailbox = try Mailbox() }

    private func reply(_ number: UInt64) -> Reply {
        Reply(ticket: Ticket(worker: 0, number: number), mailbox: mailbox)
    }

    /// Numbers of the tickets that were answered, with what.
    private func answers() -> [String] {
        mailbox.takeAll().compactMap { mail in
            guard case .answered(let ticket, .refused(let reply)) = mail else { return nil }
            return "\(ticket.number) \(reply)"
        }.sorted()
    }

    @Test func `all who ask about one token get the one answer, and the next one is decided anew`() throws {
        let questions = TokenQuestions()
        guard case .first(let question) = questions.join(.test("a"), reply(1)),
            case .waits = questions.join(.test("a"), reply(2)),
            case .waits = questions.join(.test("a"), reply(3)),
            case .first(let other) = questions.join(.test("b"), reply(4))
        else {
            Issue.record("not one question for each token")
            return
        }
        #expect(answers() == [])
        question.send(.refused(.tokenExpired))
        question.send(.refused(.tokenInvalid))
        #expect(answers() == ["1 tokenExpired", "2 tokenExpired", "3 tokenExpired"])
        guard case .first = questions.join(.test("a"), reply(5)) else {
            Issue.record("it was not decided anew")
            return
        }
        other.send(.refused(.tokenInvalid))
        #expect(answers() == ["4 tokenInvalid", "5 authBackendUnavailable"])
    }

    @Test func `a question that gets lost is answered`() {
        let questions = TokenQuestions()
        do {
            guard case .first = questions.join(.test("a"), reply(1)) else { return }
        }
        #expect(answers() == ["1 authBackendUnavailable"])
    }

    @Test func `not more wait than may`() {
        let questions = TokenQuestions(waitingMax: 2)
        guard case .first(let first) = questions.join(.test("a"), reply(1)),
            case .waits = questions.join(.test("a"), reply(2)),
            case .first(let second) = questions.join(.test("b"), reply(3)),
            case .waits = questions.join(.test("b"), reply(4)),
            case .full = questions.join(.test("a"), reply(5))
        else {
            Issue.record("the bound is another")
            return
        }
        first.send(.refused(.tokenInvalid))
        guard case .waits = questions.join(.test("b"), reply(6)) else {
            Issue.record("there is room again")
            return
        }
        second.send(.refused(.tokenInvalid))
        #expect(answers().map { $0.prefix(1) } == ["1", "2", "3", "4", "6"])
    }
}
