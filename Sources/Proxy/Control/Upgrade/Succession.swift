import CLinux
import Glibc
import Stores

/// This process takes over from an older one, which runs until its last request has ended.
final class Succession {
    /// The older process, as `status` shows it.
    struct Predecessor {
        let processID: UInt32
        let version: String
        let generation: UInt64
        /// Nanoseconds since 1970, when it handed over.
        let since: UInt64
        var figures: HandoverMessage.Figures?
    }

    private static let helloMilliseconds: Int32 = 10_000
    private static let countsMilliseconds: Int32 = 30_000

    let hello: HandoverMessage.Hello
    let inherited: InheritedSockets
    /// The admin socket that listens already.
    private(set) var adminSocket: Int32?
    private let channel: HandoverChannel
    private(set) var predecessor: Predecessor
    /// The older process has told the service manager of this one.
    private(set) var hasLeft = false

    private init(
        _ channel: HandoverChannel, _ hello: HandoverMessage.Hello, _ sockets: InheritedSockets,
        adminSocket: Int32?
    ) {
        self.channel = channel
        self.hello = hello
        inherited = sockets
        self.adminSocket = adminSocket
        predecessor = Predecessor(
            processID: hello.processID, version: hello.version, generation: hello.generation,
            since: headgate_realtime_ns())
    }

    /// nil: there is nobody to take over from.
    static func ofProcess() throws(StartError) -> Succession? {
        let named = Environment.ofProcess()[ChildProcess.variable]
        unsetenv(ChildProcess.variable)
        guard let descriptor = named.flatMap(Int32.init), descriptor > 2 else { return nil }
        let channel = HandoverChannel(descriptor: descriptor)
        do throws(HandoverChannel.Failure) {
            let first = try channel.receive(within: helloMilliseconds)
            guard case .hello(let hello) = first.message else {
                throw .unreadable("it begins with no greeting")
            }
            let second = try channel.receive(within: helloMilliseconds)
            guard case .sockets(let sockets) = second.message, sockets.count == second.descriptors.count
            else {
                throw .unreadable("its sockets did not come along")
            }
            let items = zip(sockets, second.descriptors)
            let listeners = items.filter { $0.0.purpose == .listener }.map {
                InheritedSockets.Item(descriptor: $0.1, name: $0.0.name)
            }
            return Succession(
                channel, hello, InheritedSockets(listeners),
                adminSocket: items.first { $0.0.purpose == .admin }?.1)
        } catch {
            channel.send(.failed(error.text))
            throw StartError(message: "cannot take over from the running headgate: \(error.text)")
        }
    }

    func takeAdminSocket() -> Int32? {
        defer { adminSocket = nil }
        return adminSocket
    }

    /// This process will not serve.
    func fail(_ reason: String) { channel.send(.failed(reason)) }

    /// All is built: takes what the older process has counted, which counts nothing more from here on.
    func takeCounts(into ledger: Ledger, _ figures: [UInt32: LimitFigures]) throws(StartError) -> LedgerGuest
    {
        let guest = LedgerGuest(ledger, figures: figures)
        channel.send(.prepared)
        do throws(HandoverChannel.Failure) {
            while true {
                switch try channel.receive(within: Succession.countsMilliseconds).message {
                case .buckets(let images): guest.take(images, at: Succession.now())
                case .bucketsEnd: return guest
                case _: throw .unreadable("it sends something else than its counts")
                }
            }
        } catch {
            throw StartError(message: "cannot take over what limits have counted: \(error.text)")
        }
    }

    /// This process serves.
    func begin(_ guest: LedgerGuest, sender: Int, _ inbox: HandoverInbox) throws(SystemError) {
        // Why unchecked: the guest belongs to the thread that receives from here on.
        nonisolated(unsafe) let guest = guest
        let channel = channel
        try channel.listen("hg-handover") { received in
            if case .ledger(let call) = received.message {
                if let result = guest.perform(call) { channel.send(.ledgerAnswer(result)) }
            } else {
                inbox.post(
                    .message(sender: sender, received.message, descriptors: received.descriptors))
            }
        } ended: { failure in
            guest.leave(at: Succession.now())
            inbox.post(.ended(sender: sender, failure))
        }
        channel.send(.serving)
    }

    func take(_ figures: HandoverMessage.Figures) { predecessor.figures = figures }
    func left() { hasLeft = true }

    /// The older process is to end what it still runs.
    func stop(withinMilliseconds milliseconds: Int) {
        channel.send(.stop(withinMilliseconds: milliseconds))
    }

    private static func now() -> LimitTime {
        LimitTime(monotonic: headgate_monotonic_ns(), realtime: headgate_realtime_ns())
    }
}
