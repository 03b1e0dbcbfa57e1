import Config

/// `action: openapi`: the description of what the routes offer at the listener that the request came by. Made
/// once for each listener, when it is first asked for.
final class OpenAPIAction: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass is; everything here is immutable or locked.

    private let config: GatewayConfig
    private let info: DescriptionConfig
    private let host: HostConfig
    /// By the listener's index.
    private let made = Locked<[Int: [UInt8]]>([:])

    /// What is in it is for everybody who may ask, and another one after a reload.
    private static let fields = Array("Cache-Control: no-cache\r\n".utf8)

    /// - Parameter host: of the route: others have other routes.
    init(_ config: GatewayConfig, _ info: DescriptionConfig, host: HostConfig) {
        self.config = config
        self.info = info
        self.host = host
        super.init()
    }

    override func answer(_ question: Question, _ reply: Reply) {
        guard case .action(let request) = question.subject else {
            preconditionFailure("an action is asked for actions alone")
        }
        reply.send(
            .reply(
                ActionReply(
                    status: 200, headerLines: OpenAPIAction.fields, body: description(at: request.listener))))
    }

    private func description(at listener: Int) -> [UInt8] {
        if let known = made.withLock({ $0[listener] }) { return known }
        let name = config.listeners.indices.contains(listener) ? config.listeners[listener].name : nil
        // Why outside of the lock: two who ask first make the same.
        let new = OpenAPIDescription.json(config, info, listener: name, host: host)
        made.withLock { $0[listener] = new }
        return new
    }
}
