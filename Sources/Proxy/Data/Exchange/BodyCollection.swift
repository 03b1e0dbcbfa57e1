import CLinux
import Glibc

/// Request bodies that are read whole: for built-in actions, and to find the model that they name.
extension Worker {
    /// Keeps the head, and takes of the body what is there.
    /// - Parameter bytes: the request from its head on, in the read buffer.
    func collect(
        _ exchange: RunningExchange, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeMutableRawBufferPointer
    ) {
        guard invite(exchange, client, head, bytes.count) else { return }
        hold(
            exchange, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<head.byteCount]), head
        )
        exchange.machine.bodyWanted()
        collect(exchange, client, UnsafeMutableRawBufferPointer(rebasing: bytes[head.byteCount...]))
        if exchange.machine.isCollecting && client.isReadable { queueAgain(client) }
    }

    /// More of the body has come.
    func collectMore(_ exchange: RunningExchange) {
        guard let client = exchange.client else { return }
        for _ in 0..<Worker.readsPerTurn {
            guard exchange.machine.isCollecting, client.isReadable else { return }
            let held = client.input.count
            if held > 0 { memcpy(readBase, client.input.bytes.baseAddress!, held) }
            let room = UnsafeMutableRawBufferPointer(start: readBase + held, count: Worker.readMax)
            switch Socket.read(client.descriptor, into: room) {
            case .moved(let count, let more):
                client.isReadable = more || client.hasEnded
                client.input.release(to: blocks)
                collect(exchange, client, .init(start: readBase, count: held + count))
            case .wouldBlock: client.isReadable = false
            case .ended:
                // Half-closed, or gone, in the middle of its body.
                client.hasEnded = true
                client.isReadable = false
                perform(exchange.machine.clientLeft(sawLastEvent: false), exchange)
            case .failed:
                client.isBroken = true
                perform(exchange.machine.clientLeft(sawLastEvent: false), exchange)
            }
        }
        if exchange.machine.isCollecting && client.isReadable { queueAgain(client) }
    }

    private func collect(
        _ exchange: RunningExchange, _ client: ClientConnection, _ bytes: UnsafeMutableRawBufferPointer
    ) {
        let step = exchange.requestBody.advance(bytes, .content)
        let rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[step.consumed...])
        guard step.verdict != .invalid else {
            perform(exchange.machine.requestRefused(.bodyInvalid), exchange)
            return
        }
        guard exchange.requestBody.contentBytes <= exchange.bodyLimit else {
            client.input.append(rest, from: blocks)
            let reply = exchange.isInspected ? LocalReply.bodyTooLargeToInspect : .bodyTooLarge
            perform(exchange.machine.requestRefused(reply), exchange)
            return
        }
        guard keep(step.piece, exchange) else {
            client.input.append(rest, from: blocks)
            perform(exchange.machine.requestRefused(.tooManyBodies), exchange)
            return
        }
        switch step.verdict {
        case .ended: bodyEnded(exchange, client, rest)
        case .trailers: skipTrailers(exchange, client, rest)
        case .more, .invalid: if client.output.isEmpty { rearm(client) }
        }
    }

    /// - Returns: false at the bound of all bodies together.
    private func keep(_ piece: UnsafeRawBufferPointer, _ exchange: RunningExchange) -> Bool {
        if exchange.isInspected {
            guard handle.bodies.take(piece.count) else { return false }
            exchange.budgetedBytes += piece.count
        }
        exchange.body.append(piece, from: blocks)
        return true
    }

    func releaseBody(_ exchange: RunningExchange) {
        handle.bodies.giveBack(exchange.budgetedBytes)
        exchange.budgetedBytes = 0
        exchange.body.release(to: blocks)
    }

    /// Trailer fields are dropped with the transfer coding (RFC 9110 §6.5.1), but they have to be valid.
    private func skipTrailers(
        _ exchange: RunningExchange, _ client: ClientConnection, _ bytes: UnsafeRawBufferPointer
    ) {
        let limits = exchange.serving!.plan.listeners[exchange.listenerIndex].headLimits
        switch writeTrailers(bytes, limits) {
        case .incomplete:
            client.input.append(bytes, from: blocks)
            if client.output.isEmpty { rearm(client) }
        case .invalid: perform(exchange.machine.requestRefused(.bodyInvalid), exchange)
        case .written(let consumed, _):
            exchange.requestBody.endTrailers()
            bodyEnded(exchange, client, UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
        }
    }

    /// - Parameter rest: of the next request.
    private func bodyEnded(
        _ exchange: RunningExchange, _ client: ClientConnection, _ rest: UnsafeRawBufferPointer
    ) {
        client.input.append(rest, from: blocks)
        exchange.machine.bodyCollected()
        let (head, bytes) = parseHeld(exchange)
        exchange.held.release(to: blocks)
        guard let route = exchange.route else { fatalError("a body is read for a route") }
        switch route.action {
        case .action(let action):
            let request = actionRequest(exchange, route, head, UnsafeRawBufferPointer(bytes))
            releaseBody(exchange)
            ask(exchange, action.answerer, .action(request))
        case .proxy, .models:
            guard let reply = inspectCollected(exchange, head, UnsafeRawBufferPointer(bytes)) else {
                connect(exchange, client, head, bytes)
                return
            }
            exchange.machine.answeredLocally()
            answer(exchange, reply)
        case .respond: fatalError("a route that answers by itself reads no body")
        }
    }

    private func actionRequest(
        _ exchange: RunningExchange, _ route: RoutePlan, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> ActionRequest {
        var credential: PresentedCredential?
        if case .one(let found) = Credential.find(in: fields, head, bytes) {
            credential = PresentedCredential(found.bytes, digest: found.digest)
        }
        let query = head.query.bytes(of: bytes).dropFirst()
        return ActionRequest(
            method: head.method,
            pathRest: ActionRequest.decoded(route.match.path.rest(of: matchedPath(head, bytes))),
            query: Array(query), contentType: value(of: .contentType, head, bytes).map { Array($0) } ?? [],
            body: Array(exchange.body.bytes), caller: exchange.caller, auth: exchange.auth,
            credential: credential, clientAddress: exchange.record.peer,
            requestID: Array(exchange.notes[.requestID]), listener: exchange.listenerIndex)
    }
}

extension PathPattern {
    /// What stands behind the part that the pattern fixes, without a leading slash.
    func rest(of path: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        switch self {
        case .exact: path.suffix(0)
        case .prefix(let fixed): path.dropFirst(fixed.count)
        case .subtree(let fixed): path.dropFirst(fixed.count + 1)
        }
    }
}

extension ActionRequest {
    /// Percent-escapes decoded, once (RFC 3986 §2.1).
    static func decoded(_ path: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
        var decoded: [UInt8] = []
        var at = path.startIndex
        while at < path.endIndex {
            if path[at] == UInt8(ascii: "%"), path.endIndex - at >= 3, let high = hexDigitValue(path[at + 1]),
                let low = hexDigitValue(path[at + 2])
            {
                decoded.append(high << 4 | low)
                at += 3
            } else {
                decoded.append(path[at])
                at += 1
            }
        }
        return decoded
    }
}

extension ActionReply {
    /// One of the header lines names the content type.
    var hasContentType: Bool {
        let name = Array("content-type:".utf8)
        return headerLines.split(separator: Byte.lf).contains { line in
            line.count >= name.count && zip(line, name).allSatisfy { asciiLowercased($0) == $1 }
        }
    }
}
