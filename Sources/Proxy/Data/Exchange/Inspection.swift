import JSON

/// Request bodies that are looked into before the request goes on: for the model that they name, and for what
/// they can come to use.
extension Worker {
    /// Whether the body decides. Where it does, limits are asked once without it and taken from when it is
    /// known.
    func decideInspection(
        _ route: RoutePlan, _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Decision {
        let hasBody = head.framing != .none && head.framing != .length(0)
        let isRestricted = exchange.caller?.models != nil
        let counts = route.inspectsBody && head.mayUseModel && !isMultipart(head, bytes)
        guard hasBody, isRestricted || counts else {
            estimateUnread(exchange, head)
            return takeLimits(route, exchange).map { .refuse($0) } ?? .proxy
        }
        exchange.isInspected = true
        exchange.bodyLimit = min(exchange.bodyLimit, UInt64(route.inspectBodyMax))
        return isTooLong(head, exchange) ? .refuse(.bodyTooLargeToInspect) : .collect
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
        let edit: UsageEdit?
        switch inspect(exchange, body, head, UnsafeRawBufferPointer(bytes)) {
        case .refused(let reply):
            let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[head.byteCount...])
            client.input.append(rest, from: blocks)
            exchange.machine.answeredLocally()
            answer(exchange, reply)
            return true
        case .goesOn(let wanted): edit = wanted
        }
        guard let edit else {
            exchange.isInspected = false
            connect(exchange, client, head, bytes)
            return true
        }
        let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[end...])
        client.input.append(rest, from: blocks)
        exchange.requestBody.endWhole(contentBytes: length)
        guard handle.bodies.take(Int(length)) else {
            exchange.machine.answeredLocally()
            answer(exchange, .tooManyBodies)
            return true
        }
        exchange.budgetedBytes = Int(length)
        put(body, with: edit, into: &exchange.body)
        connect(
            exchange, client, head, UnsafeMutableRawBufferPointer(rebasing: bytes[..<head.byteCount]))
        return true
    }

    /// The body that was collected.
    /// - Returns: why the request does not go on.
    func inspectCollected(
        _ exchange: RunningExchange, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> LocalReply? {
        switch inspect(exchange, UnsafeRawBufferPointer(exchange.body.bytes), head, bytes) {
        case .refused(let reply): return reply
        case .goesOn(nil): return nil
        case .goesOn(let edit?):
            var edited = ByteQueue()
            put(UnsafeRawBufferPointer(exchange.body.bytes), with: edit, into: &edited)
            exchange.body.release(to: blocks)
            exchange.body = edited
            return nil
        }
    }

    private enum Inspection {
        /// With this change, so that the answer says what was used.
        case goesOn(UsageEdit?)
        case refused(LocalReply)
    }

    private func inspect(
        _ exchange: RunningExchange, _ body: UnsafeRawBufferPointer, _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer
    ) -> Inspection {
        guard let route = exchange.route else { fatalError("a body is looked into for a route") }
        var facts = RequestFacts()
        if !body.isEmpty {
            switch RequestScan.scan(body) {
            case .facts(let found): facts = found
            case .failure(let failure): return .refused(reply(to: failure, exchange))
            }
        }
        // Other paths have no such member, and some servers refuse what they do not know.
        if !ChatPath.takesStreamOptions(matchedPath(head, bytes)) { facts.usageEdit = nil }
        noteModel(facts, exchange, body)
        if let models = exchange.caller?.models {
            guard facts.model != nil else { return .refused(.modelMissing) }
            guard models.contains(exchange.notes[.model]) else { return .refused(.modelNotAllowed) }
        }
        let edit = noteFacts(facts, exchange, route)
        if let refusal = takeLimits(route, exchange) { return .refused(refusal) }
        return .goesOn(edit)
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
        _ facts: RequestFacts, _ exchange: RunningExchange, _ body: UnsafeRawBufferPointer
    ) {
        guard let model = facts.model else { return }
        let raw = UnsafeRawBufferPointer(rebasing: body[model.range])
        guard model.hasEscapes else { return exchange.notes.append(.model, raw, from: blocks) }
        var name = ByteWriter(pathScratch)
        var octets = JSONReader(body).octets(model)
        while name.count < Notes.textMax, let octet = octets.next() { name.put(byte: octet) }
        exchange.notes.append(.model, name.bytes, from: blocks)
    }

    private func noteFacts(
        _ facts: RequestFacts, _ exchange: RunningExchange, _ route: RoutePlan
    ) -> UsageEdit? {
        guard let account = exchange.account, account.isMetered else { return nil }
        account.inputTokensEstimate = facts.inputTokensEstimate
        account.outputTokensAsked = facts.outputMax
        account.choices = facts.choices
        account.model = exchange.serving!.plan.models.find(exchange.notes[.model])
        guard route.inspectsBody, let edit = facts.usageEdit else { return nil }
        account.hidesUsage = true
        return edit
    }

    private func put(
        _ body: UnsafeRawBufferPointer, with edit: UsageEdit, into queue: inout ByteQueue
    ) {
        let insertion = edit.insertion
        queue.append(UnsafeRawBufferPointer(rebasing: body[..<edit.offset]), from: blocks)
        queue.append(
            UnsafeRawBufferPointer(start: insertion.utf8Start, count: insertion.utf8CodeUnitCount),
            from: blocks)
        queue.append(
            UnsafeRawBufferPointer(rebasing: body[(edit.offset + edit.removeCount)...]), from: blocks)
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
        return self[(count - length)...].elementsEqual(
            UnsafeRawBufferPointer(start: text.utf8Start, count: length))
    }
}
