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

    private let path: String?
    private let arguments: [String]
    private let ledger: Ledger
    private let inbox: HandoverInbox
    private var phase = Phase.idle
    private var child: ChildProcess?
    private var channel: HandoverChannel?
    private var answers: [(Outcome) -> Void] = []
    private(set) var sender = -1
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

    /// - Parameter number: of the sender in the inbox.
    func begin(sender number: Int, _ answer: @escaping (Outcome) -> Void) {
        guard case .idle = phase, let hooks else {
            return answer(.failed(isRunning ? "an upgrade is under way" : "another process has taken over"))
        }
        if let obstacle = hooks.obstacle() { return answer(.failed(obstacle)) }
        guard let path else {
            return answer(.failed("cannot tell where this program's file is (/proc/self/exe)"))
        }
        answers = [answer]
        sender = number
        phase = .starting
        Log.info("upgrade: starting \(path)")
        do throws(SystemError) {
            let (own, other) = try HandoverChannel.pair()
            defer { close(other) }
            child = try ChildProcess.start(path, arguments: arguments, handover: other)
            channel = own
            try listen(own, number)
        } catch { return fail("\(error)") }
        let sockets = hooks.sockets()
        channel?.send(.hello(hooks.hello()))
        channel?.send(.sockets(sockets.map(\.socket)), descriptors: sockets.map(\.descriptor))
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
            let how = child?.reap(waits: true) ?? failure.text
            child = nil
            fail("the new process ended (\(how)) before it was ready; its messages say why")
        case .left:
            _ = child?.reap(waits: false)
            Log.warning("the process that took over has ended")
        }
    }

    /// It took too long.
    func timedOut() {
        guard isRunning else { return }
        fail("the new process was not ready within \(Upgrade.startMilliseconds / 1000) s")
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
            remote.failed()
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
