import Synchronization

/// What other processes have sent, on its way from the threads that receive to control.
final class HandoverInbox: Sendable {
    enum Event: Sendable {
        case message(sender: Int, HandoverMessage, descriptors: [Int32])
        case ended(sender: Int, HandoverChannel.Failure)
    }

    let bell: Bell
    private let events = Locked<[Event]>([])

    init() throws(SystemError) { bell = try Bell() }

    func post(_ event: Event) {
        events.withLock { $0.append(event) }
        bell.ring()
    }

    func takeAll() -> [Event] {
        bell.silence()
        return events.withLock { events in
            defer { events = [] }
            return events
        }
    }
}
