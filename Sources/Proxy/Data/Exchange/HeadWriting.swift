import Glibc

/// The heads that go on: written anew from the parsed fields, never copied as a whole.
extension Worker {
    // MARK: Towards the upstream

    /// Hop-by-hop fields and credentials are left out, the forwarded fields and the request id put in, the
    /// route's edits applied. Credentials were meant for this gateway and never go on.
    func writeRequestHead(
        _ writer: inout ByteWriter, _ exchange: RunningExchange, _ client: ClientConnection,
        _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let plan = exchange.serving!.plan
        let endpoint = endpointPlan(of: exchange)
        writer.put(head.methodBytes.bytes(of: bytes))
        writer.put(byte: 0x20)
        let route = exchange.route!
        route.writeTarget(&writer, head, bytes, endpoint)
        writer.put(" HTTP/1.1\r\nHost: ")
        if plan.upstreams[exchange.upstreamIndex].preservesHost && !head.authority.isEmpty {
            writer.put(head.authority.bytes(of: bytes))
        } else {
            writer.put(endpoint.authority)
        }
        writer.put("\r\n")
        let trusts = plan.trustedProxies.contains { $0.contains(client.peer) }
        let isRead = exchange.account?.isMetered ?? false || route.transform != .none
        exchange.keyLabel = exchange.course?.credential?.label
        let seen = writeRequestFields(
            &writer, head, bytes, edits: route.requestHeaders, trusts: trusts, asksForPlain: isRead,
            credential: exchange.course?.credential, trace: exchange.record.trace)
        let owned = route.requestHeaders.owned
        writeForwarded(&writer, client, head, bytes, seen, owned)
        if !owned.contains(.requestID) { writeRequestID(&writer, exchange) }
        if exchange.record.trace.isOn && !owned.contains(.traceParent) { writeTraceParent(&writer, exchange) }
        switch head.framing {
        case .none:
            writer.put(exchange.method == .post || exchange.method == .put ? "Content-Length: 0\r\n" : "")
        case .length(let count):
            writer.put("Content-Length: ")
            writer.put(decimal: count)
            writer.put("\r\n")
        case .chunked, .untilClose: writer.put("Transfer-Encoding: chunked\r\n")
        }
        writer.put("\r\n")
    }

    func writeRequestID(_ writer: inout ByteWriter, _ exchange: RunningExchange) {
        writer.put("X-Request-Id: ")
        writer.put(exchange.notes[.requestID])
        writer.put("\r\n")
    }

    /// What a trusted proxy in front of us has said.
    private struct Forwarded {
        var proto = false
        var host = false
        var forIndex = -1
    }

    private func writeRequestFields(
        _ writer: inout ByteWriter, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, edits: HeaderEdits,
        trusts: Bool, asksForPlain: Bool, credential: UpstreamCredential?, trace: RecordedTrace
    ) -> Forwarded {
        var seen = Forwarded()
        let joinsForwardedFor = trusts && !edits.owned.contains(.forwardedFor)
        for index in 0..<head.fieldCount {
            let line = fields.lines[index]
            if line.isHopByHop { continue }
            switch line.known {
            case .host, .contentLength, .transferEncoding, .xRequestId, .expect: continue
            case .authorization, .apiKey, .xApiKey, .proxyAuthorization: continue
            case .xForwardedFor:
                if joinsForwardedFor {
                    seen.forIndex = joinForwardedFor(seen.forIndex, index, &writer, bytes)
                }
                continue
            case .xForwardedProto:
                guard trusts, !seen.proto else { continue }
                seen.proto = true
            case .xForwardedHost:
                guard trusts, !seen.host else { continue }
                seen.host = true
            case .forwarded: guard trusts else { continue }
            // A compressed answer does not tell what was used.
            case .acceptEncoding: if asksForPlain { continue }
            case .traceParent: if trace.isOn { continue }
            // It belongs to the trace that the caller began, and means nothing without.
            case .traceState: if trace.isOn && trace.parentID == 0 { continue }
            // An upgrade is not passed on, and one of these may carry a key.
            case .other: if WebSocketFields.contains(line, bytes) { continue }
            default: break  // Why not listed: every other field passes.
            }
            if !edits.isEmpty && edits.names(line, bytes) { continue }
            writer.put(line: line, of: bytes)
        }
        if asksForPlain && !edits.owned.contains(.acceptEncoding) {
            writer.put("Accept-Encoding: identity\r\n")
        }
        for assignment in edits.assignments { writer.put(assignment.line) }
        if let credential {
            credential.uses.add(1, ordering: .relaxed)
            writer.put(credential.line)
        }
        return seen
    }

    /// Several `X-Forwarded-For` lines are one list (RFC 9110 §5.3): all but the last go out as they are.
    private func joinForwardedFor(
        _ previous: Int, _ index: Int, _ writer: inout ByteWriter, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        if previous >= 0 { writer.put(line: fields.lines[previous], of: bytes) }
        return index
    }

    private func writeForwarded(
        _ writer: inout ByteWriter, _ client: ClientConnection, _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer,
        _ seen: Forwarded, _ owned: HeaderEdits.OwnedFields
    ) {
        if !owned.contains(.forwardedFor) {
            writer.put("X-Forwarded-For: ")
            if seen.forIndex >= 0 {
                writer.put(fields.lines[seen.forIndex].value.bytes(of: bytes))
                writer.put(", ")
            }
            writer.put(address: client.peer)
            writer.put("\r\n")
        }
        if !seen.proto && !owned.contains(.forwardedProto) { writer.put("X-Forwarded-Proto: http\r\n") }
        if !seen.host && !head.authority.isEmpty && !owned.contains(.forwardedHost) {
            writer.put("X-Forwarded-Host: ")
            writer.put(head.authority.bytes(of: bytes))
            writer.put("\r\n")
        }
    }

    // MARK: Towards the client

    func writeResponseHead(
        _ writer: inout ByteWriter, _ exchange: RunningExchange, _ head: ResponseHead,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let route = exchange.route!
        writeStatusLine(&writer, head, bytes)
        let edits = route.responseHeaders
        let shown = shownLimitFields(exchange, route)
        for index in 0..<head.fieldCount {
            let line = fields.lines[index]
            if line.isHopByHop { continue }
            switch line.known {
            case .contentLength, .transferEncoding: continue
            case .xRequestId:
                // The upstream's own id is what its support asks for; ours is what our log has.
                if line.value.bytes(of: bytes).elementsEqual(exchange.notes[.requestID]) { continue }
                writer.put("X-Upstream-Request-Id: ")
                writer.put(line.value.bytes(of: bytes))
                writer.put("\r\n")
                continue
            default: break  // Why not listed: every other field passes.
            }
            if route.cors != nil && CORSPolicy.owns(line, bytes) { continue }
            if !shown.isEmpty && RateLimitFields.owns(line, bytes, shown) { continue }
            if !edits.isEmpty && edits.names(line, bytes) { continue }
            writer.put(line: line, of: bytes)
        }
        for assignment in edits.assignments { writer.put(assignment.line) }
        route.cors?.writeResponseFields(
            &writer, origin: exchange.notes[.origin], isAllowed: exchange.allowsOrigin)
        writeLimitFields(&writer, exchange)
        if !edits.owned.contains(.requestID) { writeRequestID(&writer, exchange) }
        writeResponseFraming(&writer, exchange, head)
        writeConnection(&writer, exchange)
        writer.put("\r\n")
    }

    private func shownLimitFields(_ exchange: RunningExchange, _ route: RoutePlan) -> RateLimitFieldStyles {
        guard let account = exchange.account, account.reservation.isHeld else { return [] }
        return RateLimitFields.shown(account.reservation, route.rateLimitFields)
    }

    /// Where the caller stands with the limits that let this request in, or did not.
    func writeLimitFields(_ writer: inout ByteWriter, _ exchange: RunningExchange) {
        guard let account = exchange.account, let route = exchange.route, !route.rateLimitFields.isEmpty
        else { return }
        let refused = exchange.rateRefusal?.entry ?? -1
        guard account.reservation.isHeld || refused >= 0 else { return }
        RateLimitFields.write(
            &writer, account.reservation, route.rateLimitFields, realtime: exchange.record.startedAt,
            refused: refused)
    }

    private func writeStatusLine(
        _ writer: inout ByteWriter, _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer
    ) {
        writer.put("HTTP/1.1 ")
        writer.put(decimal: UInt64(head.status))
        writer.put(byte: 0x20)
        writer.put(head.reason.bytes(of: bytes))
        writer.put("\r\n")
    }

    private func writeResponseFraming(
        _ writer: inout ByteWriter, _ exchange: RunningExchange, _ head: ResponseHead
    ) {
        switch (head.framing, exchange.responseOutput) {
        // One chunk of the stream may be taken out.
        case (.length, .rechunked): writer.put("Transfer-Encoding: chunked\r\n")
        case (.length, _) where exchange.account?.hidesUsage ?? false || exchange.chat != nil: break
        case (.length(let count), _):
            writer.put("Content-Length: ")
            writer.put(decimal: count)
            writer.put("\r\n")
        case (.none, _):
            // RFC 9110 §8.6: on HEAD and 304 it says what a GET would have had; not allowed on 204.
            if let declared = head.declaredLength, head.status != 204 {
                writer.put("Content-Length: ")
                writer.put(decimal: declared)
                writer.put("\r\n")
            }
        case (_, .chunked), (_, .rechunked): writer.put("Transfer-Encoding: chunked\r\n")
        case (_, .verbatim), (_, .content), (_, .nothing): break
        }
    }

    /// `Connection`, where it says more than the version does.
    func writeConnection(_ writer: inout ByteWriter, _ exchange: RunningExchange) {
        if !exchange.clientKeepsAlive {
            writer.put("Connection: close\r\n")
        } else if exchange.clientVersion == .http10 {
            writer.put("Connection: keep-alive\r\n")
        }
    }

    func writeInterimHead(_ writer: inout ByteWriter, _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        writeStatusLine(&writer, head, bytes)
        for index in 0..<head.fieldCount where !fields.lines[index].isHopByHop {
            // Not allowed there (RFC 9110 §8.6), and some clients would frame by it.
            if fields.lines[index].known == .contentLength { continue }
            writer.put(line: fields.lines[index], of: bytes)
        }
        writer.put("\r\n")
    }
}

extension ByteWriter {
    /// One field line, from its parsed parts.
    @inline(__always)
    mutating func put(line: FieldLine, of bytes: UnsafeRawBufferPointer) {
        put(line.name.bytes(of: bytes))
        put(": ")
        put(line.value.bytes(of: bytes))
        put("\r\n")
    }

    /// Numeric; IPv6 in the short form of RFC 5952, without brackets. A Unix peer is `unix`.
    mutating func put(address: PeerAddress) {
        if address.isUnix {
            put("unix")
        } else if address.high == 0 && address.low >> 32 == 0xFFFF {
            for shift in stride(from: 24, through: 0, by: -8) {
                put(decimal: (address.low >> UInt64(shift)) & 0xFF)
                if shift > 0 { put(byte: 0x2E) }
            }
        } else {
            put(version6: address)
        }
    }

    private mutating func put(version6 address: PeerAddress) {
        let zeros = address.longestZeroRun
        var group = 0
        while group < 8 {
            if group == zeros.start && zeros.count > 1 {
                put("::")
                group += zeros.count
                continue
            }
            if group > 0 && group != zeros.start + zeros.count { put(byte: 0x3A) }
            put(hexadecimal: UInt64(address.group(group)))
            group += 1
        }
    }
}

extension PeerAddress {
    /// One of the eight 16-bit groups, from the left.
    func group(_ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)))
    }

    /// The first of the longest runs of zero groups; one of a single group is not worth `::` (RFC 5952 §4.2).
    fileprivate var longestZeroRun: (start: Int, count: Int) {
        var best = (start: 8, count: 1)
        var start = 0
        while start < 8 {
            var end = start
            while end < 8 && group(end) == 0 { end += 1 }
            if end - start > best.count { best = (start, end - start) }
            start = max(end, start + 1)
        }
        return best.count > 1 ? best : (start: 8, count: 0)
    }
}

extension HeaderEdits {
    /// The edits replace or remove this field.
    func names(_ line: FieldLine, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let name = line.name.bytes(of: bytes)
        for removal in removals where removal.count == name.count && equalIgnoringCase(name, removal) {
            return true
        }
        for assignment in assignments
        where assignment.name.count == name.count && equalIgnoringCase(name, assignment.name) { return true }
        return false
    }
}
