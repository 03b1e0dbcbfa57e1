import CLinux
import Glibc

/// Request bodies that are read whole: for built-in actions.
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
            perform(exchange.machine.requestRefused(.bodyTooLarge), exchange)
            return
        }
        exchange.body.append(step.piece, from: blocks)
        switch step.verdict {
        case .ended: bodyEnded(exchange, client, rest)
        case .trailers: skipTrailers(exchange, client, rest)
        case .more, .invalid: if client.output.isEmpty { rearm(client) }
        }
    }

    /// Trailer fields mean nothing to an action, but they have to be valid.
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
        guard let route = exchange.route, case .action(let action) = route.action else {
            fatalError("only actions read a body whole")
        }
        let (head, bytes) = parseHeld(exchange)
        exchange.held.release(to: blocks)
        let request = actionRequest(exchange, route, head, UnsafeRawBufferPointer(bytes))
        exchange.body.release(to: blocks)
        ask(exchange, action.answerer, .action(request))
    }

    private func actionRequest(
        _ exchange: RunningExchange, _ route: RoutePlan, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> ActionRequest {
        var credential: PresentedCredential?
        if case .one(let found) = Credential.find(in: fields, count: head.fieldCount, bytes) {
            credential = PresentedCredential(found.bytes, digest: found.digest)
        }
        let query = head.query.bytes(of: bytes).dropFirst()
        return ActionRequest(
            method: head.method,
            pathRest: ActionRequest.decoded(route.match.path.rest(of: matchedPath(head, bytes))),
            query: Array(query), contentType: value(of: .contentType, head, bytes).map { Array($0) } ?? [],
            body: Array(exchange.body.bytes), caller: exchange.caller, auth: exchange.auth,
            credential: credential, clientAddress: exchange.record.peer,
            requestID: Array(exchange.notes[.requestID]))
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
