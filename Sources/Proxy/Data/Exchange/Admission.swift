import CLinux
import Glibc

/// From a complete request head to a decision: refused, answered by the route itself, or on its way to an
/// upstream.
extension Worker {
    /// - Parameter bytes: the head and what came behind it, at the front of the read buffer.
    func begin(_ client: ClientConnection, _ head: RequestHead, _ bytes: UnsafeMutableRawBufferPointer) {
        let exchange = startExchange(client, head, UnsafeRawBufferPointer(bytes))
        let decision = decide(exchange, client, head, UnsafeRawBufferPointer(bytes))
        carryOut(decision, exchange, client, head, bytes)
    }

    enum Decision {
        case refuse(LocalReply)
        /// With the methods that the URL does have.
        case refuseMethod(MethodSet)
        case respond(FixedResponse)
        /// Value of `Access-Control-Request-Headers`.
        case preflight(asked: UnsafeRawBufferPointer)
        case proxy
        /// Control is asked whether the credential is good.
        case ask(Credential, KeyDigest, Answerer)
        /// The body is read whole: control answers, or the model that it names decides.
        case collect
    }

    /// - Parameter bytes: the head and what came behind it, at the front of the read buffer.
    func carryOut(
        _ decision: Decision, _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) {
        switch decision {
        case .proxy: proxy(exchange, client, head, bytes)
        case .ask(let credential, let digest, let answerer):
            // Why first: the credential stands in the buffer that is held.
            let presented = PresentedCredential(credential.bytes, digest: digest)
            hold(exchange, UnsafeRawBufferPointer(bytes), head)
            ask(exchange, answerer, .credential(presented))
        case .collect:
            if inspectInPlace(exchange, client, head, bytes) { return }
            guard let refusal = probeLimits(exchange) else {
                collect(exchange, client, head, bytes)
                return
            }
            carryOut(.refuse(refusal), exchange, client, head, bytes)
        case .refuse, .refuseMethod, .respond, .preflight:
            let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[head.byteCount...])
            client.input.append(rest, from: blocks)
            exchange.machine.answeredLocally()
            answerLocally(decision, exchange)
        }
    }

    private func answerLocally(_ decision: Decision, _ exchange: RunningExchange) {
        switch decision {
        case .refuse(let reply): answer(exchange, reply)
        case .refuseMethod(let allowed): answer(exchange, .methodNotAllowed, allowed: allowed)
        case .respond(let response): answer(exchange, response)
        case .preflight(let asked): answerPreflight(exchange, asked: asked)
        case .proxy, .ask, .collect: fatalError("not answered by the route itself")
        }
    }

    private func startExchange(
        _ client: ClientConnection, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> RunningExchange {
        let exchange = openExchange(client)
        exchange.method = head.method
        exchange.clientVersion = head.version
        exchange.clientKeepsAlive = head.keepsAlive && !client.isRetired && !closesConnections
        exchange.expectsContinue = head.expectsContinue
        exchange.requestBody = BodyReader(head.framing)
        exchange.record.version = head.version
        client.wasServed = true
        noteTexts(exchange, head, bytes)
        noteClient(exchange, client, head, bytes)
        if let telemetry = exchange.serving!.plan.telemetry { noteTrace(exchange, telemetry, head, bytes) }
        return exchange
    }

    /// An exchange on this client, with what is known before its head is.
    func openExchange(_ client: ClientConnection) -> RunningExchange {
        let exchange = takeExchange()
        exchange.serving = client.pinned ?? serving
        exchange.client = client
        exchange.listenerIndex = client.listenerIndex
        exchange.startedAt = now
        exchange.record.startedAt = headgate_realtime_ns()
        exchange.record.headTime = client.headStartedAt == 0 ? 0 : now - client.headStartedAt
        exchange.record.peer = client.peer
        client.exchange = exchange
        client.phase = .exchange
        handle.figures.exchangesStarted.add(1, ordering: .relaxed)
        handle.figures.exchangesRunning.add(1, ordering: .relaxed)
        return exchange
    }

    private func noteTexts(_ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer)
    {
        if let given = value(of: .xRequestId, head, bytes), isValidRequestID(given) {
            exchange.notes.append(.requestID, given, from: blocks)
        } else {
            noteNewRequestID(exchange)
        }
        exchange.notes.append(.method, head.methodBytes.bytes(of: bytes), from: blocks)
        exchange.notes.append(.path, head.path.bytes(of: bytes), from: blocks)
        exchange.notes.append(.host, head.authority.bytes(of: bytes), from: blocks)
    }

    func noteNewRequestID(_ exchange: RunningExchange) {
        let made = requestIDs.next()
        withUnsafeBytes(of: made) { exchange.notes.append(.requestID, $0, from: blocks) }
    }

    private func isValidRequestID(_ bytes: UnsafeRawBufferPointer) -> Bool {
        RequestIDRule.isValidRequestID(bytes)
    }

    /// The first field of that name.
    func value(
        of name: FieldName, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        for index in 0..<head.fieldCount where fields.lines[index].known == name {
            return fields.lines[index].value.bytes(of: bytes)
        }
        return nil
    }

    // MARK: Deciding

    private func decide(
        _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer
    ) -> Decision {
        guard client.isAllowed else { return .refuse(.addressNotAllowed) }
        let plan = exchange.serving!.plan
        let query = routeQuery(client, head, bytes)
        let origin = value(of: .origin, head, bytes)
        switch plan.routes.match(query) {
        case .notFound: return .refuse(.unknownURL)
        case .methodNotAllowed:
            if let decision = decidePreflight(exchange, head, bytes, query, origin) { return decision }
            return .refuseMethod(plan.routes.allowedMethods(query))
        case .route(let index):
            let route = plan.routes.routes[index]
            exchange.route = route
            if head.method == .options, let decision = decidePreflight(exchange, head, bytes, query, origin) {
                return decision
            }
            if let cors = route.cors, let origin { noteOrigin(exchange, origin, cors) }
            return decide(route, exchange, head, bytes)
        }
    }

    private func decide(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Decision {
        switch admitCaller(route, exchange, head, bytes) {
        case .admitted: decideAdmitted(route, exchange, head, bytes)
        case .refused(let reply): .refuse(reply)
        case .undecided(let credential, let digest, let answerer): .ask(credential, digest, answerer)
        }
    }

    /// The caller may come in: on with limits, and with what the route does.
    func decideAdmitted(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Decision {
        openAccount(route, exchange, head)
        if !route.action.proxies, let refusal = takeLimits(route, exchange) { return .refuse(refusal) }
        switch route.action {
        case .respond(let response): return .respond(response)
        case .action:
            exchange.bodyLimit = min(route.maxBodyBytes, UInt64(ActionPlan.bodyMax))
            return isTooLong(head, exchange) ? .refuse(.bodyTooLarge) : .collect
        case .proxy(let upstream, let timeouts):
            aim(exchange, at: upstream, timeouts)
            return decideProxied(route, exchange, head, bytes)
        case .models: return decideProxied(route, exchange, head, bytes)
        }
    }

    private func decideProxied(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Decision {
        if head.asksForWebSocket { return .refuse(.upgradeRefused) }
        exchange.bodyLimit = route.maxBodyBytes
        if isTooLong(head, exchange) { return .refuse(.bodyTooLarge) }
        return decideInspection(route, exchange, head, bytes)
    }

    func isTooLong(_ head: RequestHead, _ exchange: RunningExchange) -> Bool {
        if case .length(let count) = head.framing { return count > exchange.bodyLimit }
        return false
    }

    /// The path as routes match it; valid until `pathScratch` is written to.
    func matchedPath(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let implied: StaticString = "/"
        let path =
            head.pathIsImplied
            ? UnsafeRawBufferPointer(start: implied.utf8Start, count: 1) : head.path.bytes(of: bytes)
        guard head.pathHasEscapes else { return path }
        let count = normalizePath(path, into: pathScratch)
        return UnsafeRawBufferPointer(start: pathScratch.baseAddress, count: count)
    }

    private func routeQuery(
        _ client: ClientConnection, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> RouteTable.Query {
        RouteTable.Query(
            path: matchedPath(head, bytes), host: head.host.bytes(of: bytes), method: head.method,
            methodName: head.methodBytes.bytes(of: bytes), listener: client.listenerIndex, head: bytes,
            fields: fields,
            fieldCount: head.fieldCount)
    }

    // MARK: CORS

    /// A preflight asks for the route that the real request would take (Fetch standard, "CORS-preflight
    /// fetch").
    private func decidePreflight(
        _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer,
        _ query: RouteTable.Query,
        _ origin: UnsafeRawBufferPointer?
    ) -> Decision? {
        guard head.method == .options, let origin,
            let method = value(of: .accessControlRequestMethod, head, bytes)
        else { return nil }
        let plan = exchange.serving!.plan
        guard case .route(let index) = plan.routes.match(query.asking(for: method)),
            let cors = plan.routes.routes[index].cors
        else { return nil }
        exchange.route = plan.routes.routes[index]
        noteOrigin(exchange, origin, cors)
        return .preflight(
            asked: value(of: .accessControlRequestHeaders, head, bytes) ?? .init(start: nil, count: 0))
    }

    private func noteOrigin(_ exchange: RunningExchange, _ origin: UnsafeRawBufferPointer, _ cors: CORSPolicy)
    {
        guard origin.count <= Notes.textMax else { return }
        exchange.notes.append(.origin, origin, from: blocks)
        exchange.allowsOrigin = cors.allows(origin: origin)
    }

    // MARK: Proxying

    /// Answers `Expect: 100-continue` (RFC 9110 §10.1.1) of a client that waits for it.
    /// - Returns: false if the client is gone, and the exchange with it.
    func invite(
        _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead, _ byteCount: Int
    ) -> Bool {
        guard head.expectsContinue, head.framing != .none, byteCount == head.byteCount else { return true }
        let go: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
        exchange.expectsContinue = false
        let sent = send(client, UnsafeRawBufferPointer(start: go.utf8Start, count: go.utf8CodeUnitCount))
        guard sent == .failed else { return true }
        perform(exchange.machine.clientLeft(sawLastEvent: false), exchange)
        return false
    }

    private func proxy(
        _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) {
        guard invite(exchange, client, head, bytes.count) else { return }
        connect(exchange, client, head, bytes)
    }

    /// To an upstream with what is there of the request.
    func connect(
        _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) {
        if let gate = upstreamPlan(of: exchange).gate {
            guard enter(gate, exchange, client, head, bytes) else { return }
        }
        _ = exchange.machine.admitted()
        beginAttempt(exchange, number: 1)
        switch chooseKey(exchange) {
        case .ready: break
        case .asked:
            hold(exchange, UnsafeRawBufferPointer(bytes), head)
            return rearm(client)
        case .none(let reply):
            hold(exchange, UnsafeRawBufferPointer(bytes), head)
            return perform(
                exchange.machine.connectFailed(again: movesOnWithoutKey(exchange), reply: reply), exchange)
        }
        chooseEndpoint(exchange)
        noteEndpoint(exchange)
        switch lease(exchange, freshOnly: false) {
        case .ready(let upstream): forward(exchange, client, upstream, head, bytes)
        case .connecting:
            hold(exchange, UnsafeRawBufferPointer(bytes), head)
            rearm(client)
        case .refused(let reply):
            hold(exchange, UnsafeRawBufferPointer(bytes), head)
            leaseRefused(exchange, reply)
        }
    }
}

extension RouteTable.Query {
    /// The same request with another method, for preflights.
    fileprivate func asking(for name: UnsafeRawBufferPointer) -> RouteTable.Query {
        var method = Method.other
        for candidate in Method.allCases where candidate.name.elementsEqual(name) { method = candidate }
        return RouteTable.Query(
            path: path, host: host, method: method, methodName: name, listener: listener, head: head,
            fields: fields,
            fieldCount: fieldCount)
    }
}

extension Method {
    /// As on the wire; empty for `.other`.
    var name: UnsafeRawBufferPointer {
        let text: StaticString =
            switch self {
            case .get: "GET"
            case .head: "HEAD"
            case .post: "POST"
            case .put: "PUT"
            case .delete: "DELETE"
            case .connect: "CONNECT"
            case .options: "OPTIONS"
            case .trace: "TRACE"
            case .patch: "PATCH"
            case .other: ""
            }
        return UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
