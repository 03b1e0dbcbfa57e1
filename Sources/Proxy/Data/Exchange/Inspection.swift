import Glibc
import JSON

/// Request bodies that are looked into before the request goes on: for the model that they name, and for what
/// they can come to use.
extension Worker {
    /// Whether the body decides, or is kept. Where it does, limits are asked once without it and taken from
    /// when it is known.
    func decideInspection(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Decision {
        guard decides(route, exchange, head, bytes) else {
            return decideUnread(route, exchange, head, bytes)
        }
        let limit = min(exchange.bodyLimit, UInt64(route.inspectBodyMax))
        if case .length(let count) = head.framing, count > limit,
            let upstream = unreadUpstream(route, exchange)
        {
            aim(exchange, at: upstream.index, upstream.timeouts)
            return decideUnread(route, exchange, head, bytes)
        }
        exchange.isInspected = true
        exchange.readsFacts = true
        exchange.bodyLimit = limit
        return isTooLong(head, exchange) ? .refuse(.bodyTooLargeToInspect) : .collect
    }

    private func decides(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        if route.transform != .none { return true }
        guard head.framing != .none && head.framing != .length(0) else { return false }
        if exchange.caller?.models != nil { return true }
        guard head.mayUseModel, !isMultipart(head, bytes) else { return false }
        return route.inspectsBody || !route.defaults.isEmpty || choosesByModel(route, exchange)
    }

    /// The model says where to, with which key, or to which endpoint.
    private func choosesByModel(_ route: RoutePlan, _ exchange: RunningExchange) -> Bool {
        guard case .proxy = route.action else { return true }
        let upstream = upstreamPlan(of: exchange)
        if upstream.key?.isByModel ?? false { return true }
        guard case .hash(let parts) = upstream.balance.method else { return false }
        return parts.contains(.model)
    }

    /// Where a body goes that is too large to be looked into: nothing but where to, or with which of the
    /// caller's own keys, depends on it, and there is one place alone.
    private func unreadUpstream(
        _ route: RoutePlan, _ exchange: RunningExchange
    ) -> (index: Int, timeouts: UpstreamTimeouts)? {
        guard exchange.caller?.models == nil, route.transform == .none, !route.inspectsBody,
            route.defaults.isEmpty
        else { return nil }
        switch route.action {
        case .proxy(let upstream, let timeouts): return (upstream, timeouts)
        case .models(let plan): return plan.onlyUpstream.map { ($0, plan.timeouts[$0]) }
        case .respond, .action: return nil
        }
    }

    /// Nobody looks into the body, if there is one.
    private func decideUnread(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Decision {
        if case .models(let plan) = route.action, exchange.timeouts == .off {
            if let only = plan.onlyUpstream {
                aim(exchange, at: only, plan.timeouts[only])
            } else {
                // Of a body that nobody reads the default says nothing.
                if head.framing == .none || head.framing == .length(0) { noteDefaultModel(exchange, route) }
                guard aimByModel(exchange, plan) else { return .refuse(.modelRequired) }
            }
        }
        if case .length(let count) = head.framing, count > 0, wantsBody(exchange, byteCount: count) {
            exchange.isInspected = true
            exchange.keepsBody = true
            return .collect
        }
        estimateUnread(exchange, head)
        return takeLimits(route, exchange).map { .refuse($0) } ?? .proxy
    }

    private func noteDefaultModel(_ exchange: RunningExchange, _ route: RoutePlan) {
        if let model = route.defaults.model { exchange.notes.append(.model, model.name.bytes, from: blocks) }
    }

    /// Files on their way: images, recordings (RFC 7578).
    private func isMultipart(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let type = value(of: .contentType, head, bytes), type.count >= 10 else { return false }
        return asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(rebasing: type[..<10]), "multipart/")
    }

    /// A body that nobody looks into: its input is a quarter of its bytes, as far as they are known, and
    /// of its model there is what `models` has for all that are not listed.
    private func estimateUnread(_ exchange: RunningExchange, _ head: RequestHead) {
        guard let account = exchange.account, account.isMetered else { return }
        if case .length(let count) = head.framing { account.inputTokensEstimate = count / 4 + 1 }
        account.model = exchange.serving!.plan.models.find(exchange.notes[.model])
    }

    /// A body that came whole with its head is looked into where it stands, and goes on from there.
    /// - Returns: false if it has to be collected first.
    func inspectInPlace(
        _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard exchange.isInspected, case .length(let length) = head.framing,
            bytes.count - head.byteCount >= Int(length)
        else { return false }
        let end = head.byteCount + Int(length)
        let body = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[head.byteCount..<end])
        if let refusal = inspect(exchange, body, head, UnsafeRawBufferPointer(bytes)) {
            let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[head.byteCount...])
            client.input.append(rest, from: blocks)
            exchange.machine.answeredLocally()
            answer(exchange, refusal)
            return true
        }
        let edits = edits(exchange, of: body)
        guard exchange.keepsBody || !edits.isEmpty || hasOtherUpstream(exchange) else {
            exchange.isInspected = false
            connect(exchange, client, head, bytes)
            return true
        }
        let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[end...])
        client.input.append(rest, from: blocks)
        exchange.requestBody.endWhole(contentBytes: length)
        guard takeBudget(exchange, Int(length)) else {
            exchange.machine.answeredLocally()
            answer(exchange, .tooManyBodies)
            return true
        }
        keep(body, edits, exchange)
        connect(
            exchange, client, head, UnsafeMutableRawBufferPointer(rebasing: bytes[..<head.byteCount]))
        return true
    }

    private func takeBudget(_ exchange: RunningExchange, _ byteCount: Int) -> Bool {
        guard handle.bodies.take(byteCount) else { return false }
        exchange.budgetedBytes += byteCount
        return true
    }

    /// As it came where it may go out again, and perhaps under another name; else as it goes out.
    private func keep(_ body: UnsafeRawBufferPointer, _ edits: BodyEdits, _ exchange: RunningExchange) {
        guard !exchange.keepsBody, !hasOtherUpstream(exchange) else {
            exchange.body.append(body, from: blocks)
            return
        }
        edits.write(body, into: &exchange.body, from: blocks)
        exchange.course?.facts = nil
    }

    /// What becomes of the body on its way to where the exchange goes now.
    func edits(_ exchange: RunningExchange, of body: UnsafeRawBufferPointer) -> BodyEdits {
        guard let course = exchange.course, let facts = course.facts, let route = exchange.route else {
            return BodyEdits()
        }
        let name = course.model.map { $0.targets[course.target].name } ?? .asSent
        return facts.edits(
            of: body, name: name, defaults: route.defaults,
            asksUsage: exchange.account?.hidesUsage ?? false)
    }

    /// The body that was collected.
    /// - Returns: why the request does not go on.
    func inspectCollected(
        _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> LocalReply? {
        let body = UnsafeRawBufferPointer(exchange.body.bytes)
        return inspect(exchange, body, head, bytes)
    }

    /// - Returns: why the request does not go on. Else where to is known.
    private func inspect(
        _ exchange: RunningExchange, _ body: UnsafeRawBufferPointer, _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer
    ) -> LocalReply? {
        guard let route = exchange.route else { fatalError("a body is looked into for a route") }
        guard exchange.readsFacts else {
            estimateUnread(exchange, head)
            return takeLimits(route, exchange)
        }
        if route.transform == .simpleChat, SimpleChatRequest.check(body) == .invalid { return .chatInvalid }
        var facts = RequestFacts()
        if !body.isEmpty {
            switch RequestScan.scan(body) {
            case .facts(let found): facts = found
            case .failure(let failure):
                if let upstream = unreadUpstream(route, exchange), failure.isNoJSONObject {
                    return goOnUnread(exchange, route, upstream, head, body)
                }
                return reply(to: failure, exchange)
            }
        }
        // Other paths have no such member, and some servers refuse what they do not know.
        if facts.usageEdit != nil, route.transform == .none,
            !ChatPath.takesStreamOptions(matchedPath(head, bytes))
        {
            facts.usageEdit = nil
        }
        noteModel(facts, exchange, body, route)
        if let models = exchange.caller?.models {
            guard !exchange.notes[.model].isEmpty else { return .modelMissing }
            guard models.contains(exchange.notes[.model]) else { return .modelNotAllowed }
        }
        if let refusal = aimInspected(exchange, route) { return refusal }
        noteFacts(facts, exchange, route)
        exchange.keepsBody = wantsBody(exchange, byteCount: UInt64(body.count))
        if needsFacts(exchange, route, facts) { course(of: exchange).facts = facts }
        return takeLimits(route, exchange)
    }

    /// What is no JSON names no model, and is none of our business where nothing else depends on it.
    private func goOnUnread(
        _ exchange: RunningExchange, _ route: RoutePlan,
        _ upstream: (index: Int, timeouts: UpstreamTimeouts), _ head: RequestHead,
        _ body: UnsafeRawBufferPointer
    ) -> LocalReply? {
        aim(exchange, at: upstream.index, upstream.timeouts)
        exchange.keepsBody = wantsBody(exchange, byteCount: UInt64(body.count))
        estimateUnread(exchange, head)
        return takeLimits(route, exchange)
    }

    private func aimInspected(_ exchange: RunningExchange, _ route: RoutePlan) -> LocalReply? {
        guard case .models(let plan) = route.action, !aimByModel(exchange, plan) else { return nil }
        if !exchange.notes[.model].isEmpty { return .modelNotFound }
        guard let only = plan.onlyUpstream else { return .modelRequired }
        aim(exchange, at: only, plan.timeouts[only])
        return nil
    }

    /// The body does not go on as it came, or may not next time.
    private func needsFacts(_ exchange: RunningExchange, _ route: RoutePlan, _ facts: RequestFacts) -> Bool {
        exchange.account?.hidesUsage ?? false || exchange.course?.model != nil
            || route.defaults.model != nil && facts.model == nil
            || route.defaults.temperature != nil && !facts.hasTemperature
    }

    private func reply(to failure: RequestScan.Failure, _ exchange: RunningExchange) -> LocalReply {
        // Who may use certain models alone is told that one has to be named.
        let namesModels = exchange.caller?.models != nil
        switch failure {
        case .notJSON, .notObject, .modelMisspelt: return namesModels ? .modelMissing : .bodyNotJSON
        case .modelAmbiguous: return .modelAmbiguous
        case .memberAmbiguous: return .memberAmbiguous
        case .memberInvalid: return .memberInvalid
        }
    }

    private func noteModel(
        _ facts: RequestFacts, _ exchange: RunningExchange, _ body: UnsafeRawBufferPointer,
        _ route: RoutePlan
    ) {
        guard let model = facts.model else {
            if facts.otherModel.map({ facts.isNull($0, body) }) ?? true { noteDefaultModel(exchange, route) }
            return
        }
        let raw = UnsafeRawBufferPointer(rebasing: body[model.range])
        guard model.hasEscapes else { return exchange.notes.append(.model, raw, from: blocks) }
        var name = ByteWriter(pathScratch)
        var octets = JSONReader(body).octets(model)
        while name.count < Notes.textMax, let octet = octets.next() { name.put(byte: octet) }
        exchange.notes.append(.model, name.bytes, from: blocks)
    }

    private func noteFacts(_ facts: RequestFacts, _ exchange: RunningExchange, _ route: RoutePlan) {
        guard let account = exchange.account, account.isMetered else { return }
        account.inputTokensEstimate = facts.inputTokensEstimate
        account.outputTokensAsked = facts.outputMax
        account.choices = facts.choices
        account.model = exchange.serving!.plan.models.find(exchange.notes[.model])
        account.hidesUsage = route.inspectsBody && facts.usageEdit != nil
    }
}

/// Which requests take `stream_options` (OpenAI API reference, "Create chat completion" and "Create
/// completion").
enum ChatPath {
    /// - Parameter path: as routes match it.
    static func takesStreamOptions(_ path: UnsafeRawBufferPointer) -> Bool {
        path.ends(with: "/completions") || path.ends(with: "/completions/")
    }
}

extension UnsafeRawBufferPointer {
    func ends(with text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return false }
        return memcmp(baseAddress! + (count - length), text.utf8Start, length) == 0
    }
}
