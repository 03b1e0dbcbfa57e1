import CLinux
import Glibc

/// Hands all that is new over to another process: `headgate upgrade`, SIGUSR2. Until that one serves, nothing
/// changes here; should it fail, nothing has.
final class Upgrade {
    enum Outcome: Equatable {
        /// Its process id.
        case done(pid_t)
        case failed(String)
    }

    /// What the supervisor has to say and to do.
    struct Hooks {
        var hello: () -> HandoverMessage.Hello
        var sockets: () -> [(socket: HandoverMessage.Socket, descriptor: Int32)]
        /// Why there can be no upgrade now.
        var obstacle: () -> String?
        /// The new process serves: this one leaves.
        var leave: (_ successor: pid_t) -> Void
        /// It does not: what came meanwhile is looked at.
        var stay: () -> Void
    }

    private enum Phase {
        case idle
        /// It reads the file and builds.
        case starting
        /// It has what was counted.
        case committing(RemoteLedger)
        case left(RemoteLedger)
    }

    /// A new process has this long to be ready.
    static let startMilliseconds = 60_000
    /// And this long to serve once it has what was counted. Less than a worker waits.
    static let commitMilliseconds = 2500

    private let path: String?
    private let arguments: [String]
    private let ledger: Ledger
    private let inbox: HandoverInbox
    private var phase = Phase.idle
    private var child: ChildProcess?
    private var channel: HandoverChannel?
    private var answers: [(Outcome) -> Void] = []
    /// Of the latest attempt, in the inbox; what others have sent does not count any more.
    private(set) var sender = 0
    var hooks: Hooks?

    /// - Parameter arguments: of this process, without its name.
    init(arguments: [String], ledger: Ledger, inbox: HandoverInbox) {
        path = ChildProcess.ownPath()
        self.arguments = arguments
        self.ledger = ledger
        self.inbox = inbox
    }

    /// The new process starts, and is not ready yet.
    var isRunning: Bool {
        switch phase {
        case .starting, .committing: true
        case .idle, .left: false
        }
    }

    // MARK: - Begin

    /// - Returns: whether it has begun: not where it is refused, or one is under way.
    @discardableResult
    func begin(_ answer: @escaping (Outcome) -> Void) -> Bool {
        guard case .idle = phase, let hooks else {
            answer(.failed(isRunning ? "an upgrade is under way" : "another process has taken over"))
            return false
        }
        if let obstacle = hooks.obstacle() {
            answer(.failed(obstacle))
            return false
        }
        guard let path else {
            answer(.failed("cannot tell where this program's file is (/proc/self/exe)"))
            return false
        }
        answers = [answer]
        sender += 1
        phase = .starting
        Log.info("upgrade: starting \(path)")
        do throws(SystemError) {
            let (own, other) = try HandoverChannel.pair()
            defer { close(other) }
            child = try ChildProcess.start(path, arguments: arguments, handover: other)
            channel = own
            try listen(own, sender)
        } catch {
            fail("\(error)")
            return false
        }
        let sockets = hooks.sockets()
        let isSent =
            channel?.send(.hello(hooks.hello())) == true
            && channel?.send(.sockets(sockets.map(\.socket)), descriptors: sockets.map(\.descriptor)) == true
        if !isSent { fail("what the new process has to know does not fit a message; restart instead") }
        return isSent
    }

    private func listen(_ channel: HandoverChannel, _ number: Int) throws(SystemError) {
        let keeper = keeper
        try channel.listen("hg-handover") { [inbox] received in
            if case .ledgerAnswer(let result) = received.message {
                keeper.withLock { $0 }?.answered(result)
            } else {
                inbox.post(.message(sender: number, received.message, descriptors: received.descriptors))
            }
        } ended: { [inbox] failure in
            keeper.withLock { $0 }?.lost()
            inbox.post(.ended(sender: number, failure))
        }
    }

    /// For the thread that receives.
    private let keeper = Locked<RemoteLedger?>(nil)

    // MARK: - Events

    func take(_ message: HandoverMessage) {
        switch (phase, message) {
        case (.starting, .prepared): commit()
        case (.committing(let remote), .serving): serve(remote)
        case (.starting, .failed(let reason)), (.committing, .failed(let reason)): fail(reason)
        // What a process sends that is gone already, or out of turn, changes nothing.
        case (_, .hello), (_, .sockets), (_, .buckets), (_, .bucketsEnd), (_, .left), (_, .connection),
            (_, .ledger), (_, .figures), (_, .prepared), (_, .serving), (_, .failed), (_, .ledgerAnswer),
            (_, .stop):
            break
        }
    }

    func ended(_ failure: HandoverChannel.Failure) {
        switch phase {
        case .idle: break
        case .starting, .committing:
            // Why killed first: one that has only closed its end would be waited for.
            child?.kill()
            let how = child?.reap(waits: true) ?? failure.text
            child = nil
            fail("the new process ended (\(how)) before it was ready; its messages say why")
        case .left:
            _ = child?.reap(waits: false)
            Log.warning("the process that took over has ended")
        }
    }

    /// The new process has what was counted: it has to serve soon, for requests wait for it.
    var isCommitting: Bool { if case .committing = phase { true } else { false } }

    /// This process stops: nobody is to take over.
    func abort() {
        guard isRunning else { return }
        fail("this process was told to stop")
    }

    /// It took too long.
    func timedOut() {
        guard isRunning else { return }
        fail("the new process was not ready in time")
    }

    /// Sends a connection on, or closes it where nobody takes it.
    func send(_ connection: HandoverMessage.Connection, descriptor: Int32) {
        channel?.send(.connection(connection), descriptors: [descriptor])
        close(descriptor)
    }

    func send(_ figures: HandoverMessage.Figures) { channel?.send(.figures(figures)) }

    // MARK: - Steps

    private func commit() {
        guard let channel else { return }
        let remote = RemoteLedger(channel)
        phase = .committing(remote)
        keeper.withLock { $0 = remote }
        ledger.freeze(remote)
        var isSent = true
        var waiting: [BucketImage] = []
        ledger.copyAll { images in
            for image in images {
                waiting.append(image)
                guard waiting.count >= Upgrade.imagesPerMessage || !image.isSmall else { continue }
                isSent = isSent && channel.send(.buckets(waiting))
                waiting = []
            }
        }
        isSent = isSent && channel.send(.buckets(waiting)) && channel.send(.bucketsEnd)
        if !isSent { fail("the new process does not take what limits have counted") }
    }

    /// Small ones, which may be followed by one large image, fit a message together.
    private static let imagesPerMessage = 200

    private func serve(_ remote: RemoteLedger) {
        guard let child else { return }
        phase = .left(remote)
        remote.serves()
        hooks?.leave(child.processID)
        channel?.send(.left)
        answer(.done(child.processID))
    }

    private func fail(_ reason: String) {
        if case .committing(let remote) = phase {
            ledger.thaw()
            remote.failed(ledger)
        }
        keeper.withLock { $0 = nil }
        phase = .idle
        if let child {
            child.kill()
            _ = child.reap(waits: true)
        }
        child = nil
        channel?.shutDown()
        channel = nil
        Log.error("upgrade failed, and changed nothing: \(reason)")
        answer(.failed(reason))
        hooks?.stay()
    }

    private func answer(_ outcome: Outcome) {
        let waiting = answers
        answers = []
        for answer in waiting { answer(outcome) }
    }
}

extension BucketImage {
    /// At most some 350 bytes.
    fileprivate var isSmall: Bool { times.count + slots.count <= 16 }
}
