import Glibc

/// `GET /readyz`: whether new requests should come here.
struct ReadyState: Equatable {
    enum Phase: Equatable { case starting, serving, stopping }

    /// Why not, for people; empty: they should.
    let problems: [String]

    /// - Parameters:
    ///   - goneListeners: names of those that nobody can reach any more.
    ///   - doubtedAuth: entries whose source could not be read for longer than `max_stale`.
    init(phase: Phase, goneListeners: [String], doubtedAuth: [String]) {
        var problems: [String] = []
        switch phase {
        case .starting: problems.append("starting: nothing is served yet")
        case .serving: break
        case .stopping: problems.append("stopping: running requests end, no more are taken")
        }
        problems += goneListeners.map { "listener \($0): somebody removed its socket file" }
        problems += doubtedAuth.map { "auth \($0): its source cannot be read for longer than max_stale" }
        self.problems = problems
    }

    var isReady: Bool { problems.isEmpty }

    /// Reasons are for those who may know names.
    func response(to request: AdminRequest) -> AdminResponse {
        let status = isReady ? 200 : 503
        let told = request.isTrusted ? problems : []
        let word = isReady ? "ready" : "not ready"
        if request.wantsText { return .text(status, ([word] + told).joined(separator: "\n")) }
        var json = JSONText()
        json.object { json in
            json.string("status", word)
            if request.isTrusted {
                json.array("problems") { json in for problem in told { json.string(nil, problem) } }
            }
        }
        return AdminResponse(status: status, body: json.bytes)
    }
}

extension ReadyState {
    /// - Parameter now: monotonic nanoseconds.
    init(phase: Phase, driver: ReloadDriver, now: UInt64) {
        let listeners = driver.served.map { zip($0.config.listeners, $0.sockets) }
        // Why not at a stop: we have removed them ourselves.
        let gone = phase == .serving ? listeners?.filter { $0.1.isGone }.map(\.0.name) ?? [] : []
        let doubted = driver.auth.served.entries.values.filter { $0.callers.isInDoubt(now: now) }
        self.init(phase: phase, goneListeners: gone, doubtedAuth: doubted.map(\.name).sorted())
    }
}

extension ListenerSockets.Bound {
    /// The socket file is not there any more, or another one is.
    fileprivate var isGone: Bool {
        guard let file else { return false }
        var status = stat()
        guard lstat(file.path, &status) == 0 else { return true }
        return UInt64(status.st_dev) != file.device || UInt64(status.st_ino) != file.inode
    }
}
