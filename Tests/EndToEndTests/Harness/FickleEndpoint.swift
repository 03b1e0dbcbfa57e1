@testable import CLI

/// An endpoint that is well until the test makes it ill, in one way or another, and well again.
final class FickleEndpoint: Sendable {
    enum Conduct: Sendable, Equatable {
        /// 200, with its name as the text.
        case well
        /// Takes the request and never answers.
        case hangs
        /// Answers after 30 ms.
        case isSlow
        case resets
        /// Sends this, and ends the connection.
        case says(String)
        /// Nobody listens.
        case isGone
    }

    let name: String
    let address: Address
    private struct State {
        var conduct = Conduct.well
        var upstream: ScriptedUpstream?
        /// Of upstreams that were ended.
        var earlier: [Request] = []
    }
    private let state = Guarded(State())

    init(_ name: String) throws {
        self.name = name
        address = try Address.free()
        try listen()
    }

    var url: String { "http://\(address.authority)" }
    var conduct: Conduct { state.withLock { $0.conduct } }
    var requests: [Request] { state.withLock { $0.earlier + ($0.upstream?.requests ?? []) } }

    func become(_ conduct: Conduct) throws {
        let before = state.withLock { state in
            defer { state.conduct = conduct }
            return state.conduct
        }
        if conduct == .isGone {
            let upstream = state.withLock { state in
                defer { state.upstream = nil }
                return state.upstream
            }
            upstream?.end()
            state.withLock { $0.earlier += upstream?.requests ?? [] }
        } else if before == .isGone {
            try listen()
        }
    }

    private func listen() throws {
        let upstream = try ScriptedUpstream(at: address) { [self] connection in
            while let request = try connection.readRequest() {
                guard try answer(request, connection) else { return }
            }
        }
        state.withLock { $0.upstream = upstream }
    }

    /// - Returns: whether the connection is kept.
    private func answer(_ request: Request, _ connection: ScriptedConnection) throws -> Bool {
        switch conduct {
        case .well: try connection.send(ok(name))
        case .isSlow:
            pace(0.03) { conduct == .isSlow }
            try connection.send(ok(name))
        case .hangs:
            try waitUntil("nobody to wait for an answer", within: 60) {
                connection.wire.hasEnded || conduct != .hangs
            }
            return false
        case .resets:
            connection.wire.reset()
            return false
        case .says(let text):
            try connection.send(text)
            return false
        case .isGone: return false
        }
        return true
    }
}

extension [FickleEndpoint] {
    /// For `endpoints`.
    var list: String { "[" + map { "\"\($0.url)\"" }.joined(separator: ", ") + "]" }

    /// How often each path has come to any of them.
    var counts: [String: Int] {
        var counts: [String: Int] = [:]
        for request in flatMap(\.requests) { counts[request.target, default: 0] += 1 }
        return counts
    }
}

extension Gate {
    /// What `status` tells of an endpoint.
    func endpoint(_ url: String) throws -> MockJSON {
        let endpoints = try requireStatus()["endpoints"]?.arrayValue ?? []
        guard let endpoint = endpoints.first(where: { $0["url"]?.stringValue?.hasPrefix(url) == true }) else {
            throw Trouble("status knows no endpoint \(url)")
        }
        return endpoint
    }

    /// `available`, `ejected`, `cooling_down` or `failing_check`.
    func state(of url: String) throws -> String {
        try endpoint(url)["state"]?.stringValue ?? "-"
    }

    /// What `status` tells of an upstream.
    func upstream(_ name: String = "up") throws -> MockJSON {
        let upstreams = try requireStatus()["upstreams"]?.arrayValue ?? []
        guard let upstream = upstreams.first(where: { $0["name"]?.stringValue == name }) else {
            throw Trouble("status knows no upstream \(name)")
        }
        return upstream
    }
}
