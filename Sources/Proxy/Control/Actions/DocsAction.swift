import Config

/// `action: docs`: the page, the same for everybody.
final class DocsAction: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass is; everything here is immutable.

    private let page: [UInt8]

    init(_ docs: DocsConfig) {
        page = DocsPage.html(title: docs.title, openapi: docs.openapi)
        super.init()
    }

    override func answer(_ question: Question, _ reply: Reply) {
        guard case .action = question.subject else {
            preconditionFailure("an action is asked for actions alone")
        }
        reply.send(.reply(ActionReply(status: 200, headerLines: DocsPage.fields, body: page)))
    }
}
