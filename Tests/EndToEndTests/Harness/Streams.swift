extension ScriptedUpstream {
    /// Streams events at `…/stream` until told to end; answers everything else with its name.
    static func streaming(_ name: String, until isEnding: Signal) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            connection.wire.patience = 120
            while let request = try connection.readRequest() {
                guard request.target.hasSuffix("/stream") else {
                    try connection.send(ok(name))
                    continue
                }
                let id = request["x-stream"] ?? ""
                try connection.send(streamHead)
                var index = 0
                while !isEnding.isOpen() {
                    try connection.sendChunk(streamEvent(id, index))
                    index += 1
                    pace(0.02) { !isEnding.isOpen() }
                }
                try connection.send(chunk("data: [DONE] \(index)\n\n") + "0\r\n\r\n")
            }
        }
    }
}

/// One event of a stream that `Stream` checks.
func streamEvent(_ id: String, _ index: Int) -> String {
    "data: {\"stream\":\"\(id)\",\"index\":\(index)}\n\n"
}

/// A client that reads one stream on a thread of its own and checks each byte of it.
final class Stream: Sendable {
    private struct State {
        var events = 0
        var problem: String?
        var hasEnded = false
    }

    private let state = Guarded(State())
    private let number: Int

    /// - Parameter fields: of the request, beside the number.
    init(_ gate: Gate, number: Int, at address: Address? = nil, fields: [String] = []) throws {
        self.number = number
        let connection = try gate.connect(to: address)
        try connection.send(gate.request("GET", "/stream", fields: ["X-Stream: \(number)"] + fields))
        startThread { [self] in
            do {
                try read(connection)
            } catch {
                state.withLock { $0.problem = "after \($0.events) events: \(error)" }
            }
            state.withLock { $0.hasEnded = true }
        }
    }

    var eventCount: Int { state.withLock { $0.events } }

    func waitForEvents(_ count: Int) throws {
        try waitUntil("\(count) events of stream \(number)") {
            let (events, problem) = state.withLock { ($0.events, $0.problem) }
            if let problem { throw Trouble("stream \(number) \(problem)") }
            return events >= count
        }
    }

    /// - Returns: what was wrong with it, if anything was.
    func finish() throws -> String? {
        try waitUntil("the end of stream \(number)") { state.withLock { $0.hasEnded } }
        return state.withLock { $0.problem }
    }

    private func read(_ connection: Connection) throws {
        let head = try connection.readResponseHead()
        guard head.status == 200, head.isChunked else { throw Trouble("\(head.status) \(head.fields)") }
        while let data = try connection.readThrough("\n\n") {
            let index = state.withLock { $0.events }
            let text = String(decoding: data, as: UTF8.self)
            // One event is one chunk: size, CR LF, data. The CR LF behind the data comes with the next.
            let (next, end) = (
                frame(streamEvent("\(number)", index), index), frame("data: [DONE] \(index)\n\n", index)
            )
            if text == end { break }
            guard text == next else {
                throw Trouble("got \(text.debugDescription) for \(next.debugDescription)")
            }
            state.withLock { $0.events += 1 }
        }
        let rest = try connection.read(exactly: 7)
        guard rest == Array("\r\n0\r\n\r\n".utf8) else { throw Trouble("ends with \(Text(rest))") }
    }

    private func frame(_ text: String, _ index: Int) -> String {
        (index == 0 ? "" : "\r\n") + "\(String(text.utf8.count, radix: 16))\r\n\(text)"
    }
}

/// Requests one after another, on a kept connection and on new ones in turn, until told to stop.
final class SteadyRequests: Sendable {
    private struct State {
        var errors: [String] = []
        var count = 0
        var stops = false
        var hasEnded = false
    }

    private let state = Guarded(State())

    init(_ gate: Gate, at address: Address) {
        startThread { [self] in
            do {
                let kept = try gate.connect(to: address)
                while !state.withLock({ $0.stops }) {
                    try kept.send(gate.request("POST", "/work", body: "x"))
                    note(try kept.readResponse())
                    note(try gate.exchange("GET", "/work", at: address))
                }
            } catch {
                state.withLock { $0.errors.append("\(error)") }
            }
            state.withLock { $0.hasEnded = true }
        }
    }

    private func note(_ response: Response) {
        state.withLock { state in
            state.count += 1
            if response.status != 200 { state.errors.append("\(response.status) \(response.text)") }
        }
    }

    func stop() -> (errors: [String], count: Int) {
        state.withLock { $0.stops = true }
        do {
            try waitUntil("the last request") { state.withLock { $0.hasEnded } }
        } catch {
            state.withLock { $0.errors.append("\(error)") }
        }
        return state.withLock { ($0.errors, $0.count) }
    }
}
