/// Anything that a worker's epoll reports about, and that can have a deadline. Belongs to one worker.
///
/// Why a base class and not a protocol: the pointer in `epoll_event` leads here, and a switch over `kind`
/// with a static downcast costs no retain and no witness table.
class Channel {
    enum Kind: UInt8 { case client, upstream, listener, mailbox }

    final let kind: Kind
    /// -1 once closed.
    final var descriptor: Int32
    /// Edge-triggered readiness: true until a call says otherwise.
    final var isReadable = false
    final var isWritable = false
    /// Waits in `Worker.again` for another go in the next turn.
    final var isQueuedAgain = false

    // The place in the timer wheel; owned by `TimerWheel`.
    final var timerSlot: Int16 = -1
    /// The tick at which that slot comes round for this channel.
    final var timerTick: UInt64 = 0
    final unowned(unsafe) var timerNext: Channel?
    final unowned(unsafe) var timerPrevious: Channel?
    /// Monotonic nanoseconds; `.max` means none. May move later without touching the wheel.
    final var deadline: UInt64 = .max

    init(kind: Kind, descriptor: Int32) {
        self.kind = kind
        self.descriptor = descriptor
    }
}
