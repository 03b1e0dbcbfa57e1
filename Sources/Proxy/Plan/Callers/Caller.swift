import Synchronization

/// Somebody whom the gateway knows by a credential: a shared key, an entry of a token file, a user's key, a
/// verified token. Made by control, found by workers; an exchange holds the one that it is accounted to.
///
/// Cost: one block of 112 bytes for each key, another for its label (32 bytes for one up to 22), and about 11
/// for its place in the index.
final class Caller: @unchecked Sendable {
    enum State: UInt8 {
        case active
        /// Withdrawn for good; the credential is known and refused.
        case revoked
        /// Its user is disabled.
        case disabled
    }

    let digest: KeyDigest
    /// Row of the key in its store; 0 where it has none (shared keys, token files, tokens).
    let keyID: Int64
    /// Row of the user in the store; 0 where there is none.
    let userID: Int64
    /// Nanoseconds since 1970 from which on it is refused as expired; `.max`: never.
    let notAfter: UInt64
    /// nil: every model.
    let models: ModelList?
    /// Why not a `PlanText`: an object of its own would cost another 48 bytes for each key. The first two
    /// bytes are the length, and whether 16 bytes of a subject stand behind the label.
    private let labelBlock: UnsafeRawPointer?
    /// Requests per minute, and the state in the highest byte: the object would else be a size class larger.
    private let rateAndState: Atomic<UInt32>
    /// Requests admitted since control last asked (`takeUses`).
    private let uses = Atomic<UInt32>(0)
    /// Nanoseconds since 1970; 0: not since this object was made.
    private let lastUse = Atomic<UInt64>(0)

    private static let rateMax: UInt32 = 0xFF_FFFF

    private static let labelMax = 0x7FFF
    private static let subjectBit: UInt16 = 0x8000

    /// - Parameters:
    ///   - label: cut at 32,767 bytes.
    ///   - rateSubject: whose requests count as one where limits are by key; nil: this credential's.
    init(
        digest: KeyDigest, keyID: Int64 = 0, userID: Int64 = 0, notAfter: UInt64 = .max, label: PlanText,
        requestsPerMinute: UInt32 = 0, models: ModelList? = nil, state: State = .active,
        rateSubject: LimitSubject? = nil
    ) {
        self.digest = digest
        self.keyID = keyID
        self.userID = userID
        self.notAfter = notAfter
        self.models = models
        labelBlock = Caller.block(of: label, rateSubject)
        rateAndState = Atomic(min(requestsPerMinute, Caller.rateMax) | UInt32(state.rawValue) << 24)
    }

    private static func block(of label: PlanText, _ subject: LimitSubject?) -> UnsafeRawPointer? {
        let count = min(label.bytes.count, labelMax)
        guard count > 0 || subject != nil else { return nil }
        let behind = subject == nil ? 0 : MemoryLayout<LimitSubject>.size
        let block = UnsafeMutableRawPointer.allocate(byteCount: 2 + count + behind, alignment: 2)
        block.storeBytes(of: UInt16(count) | (subject == nil ? 0 : subjectBit), as: UInt16.self)
        if count > 0 { (block + 2).copyMemory(from: label.bytes.baseAddress!, byteCount: count) }
        if let subject { (block + 2 + count).storeBytes(of: subject, as: LimitSubject.self) }
        return UnsafeRawPointer(block)
    }

    deinit { labelBlock.map { UnsafeMutableRawPointer(mutating: $0).deallocate() } }

    /// Requests admitted per minute for this key alone, at most 16,777,215; 0: no limit of its own.
    var requestsPerMinute: UInt32 { rateAndState.load(ordering: .relaxed) & Caller.rateMax }

    /// For the record, `status` and templates: the name of the key, the user or the subject. Never the
    /// credential.
    var label: Label {
        guard let labelBlock else { return Label(bytes: UnsafeRawBufferPointer(start: nil, count: 0)) }
        let count = Int(labelBlock.load(as: UInt16.self) & ~Caller.subjectBit)
        return Label(bytes: UnsafeRawBufferPointer(start: labelBlock + 2, count: count))
    }

    /// Whose requests count as one where limits are by key: all tokens of one user are one subject.
    var rateSubject: LimitSubject {
        guard let labelBlock, labelBlock.load(as: UInt16.self) & Caller.subjectBit != 0 else {
            return LimitSubject(digest)
        }
        let offset = 2 + label.bytes.count
        return labelBlock.loadUnaligned(fromByteOffset: offset, as: LimitSubject.self)
    }

    struct Label {
        /// Live as long as the caller.
        let bytes: UnsafeRawBufferPointer
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    var state: State {
        guard let state = State(rawValue: UInt8(rateAndState.load(ordering: .relaxed) >> 24)) else {
            preconditionFailure("only states are stored")
        }
        return state
    }

    /// Control: what the next look-up, and `on_revoke: cut`, find.
    func become(_ state: State) {
        rateAndState.store(requestsPerMinute | UInt32(state.rawValue) << 24, ordering: .releasing)
    }

    /// Worker: a request was admitted. `time` is nanoseconds since 1970.
    func noteUse(at time: UInt64) {
        uses.add(1, ordering: .relaxed)
        lastUse.store(time, ordering: .relaxed)
    }

    /// Control: the uses since the last call, and when the last one was.
    func takeUses() -> (count: UInt32, last: UInt64) {
        (uses.exchange(0, ordering: .relaxed), lastUse.load(ordering: .relaxed))
    }
}

/// Names of the models that a caller may use, exact.
final class ModelList: Sendable {
    let names: [[UInt8]]
    init(_ names: [String]) { self.names = names.map { Array($0.utf8) } }

    func contains(_ name: UnsafeRawBufferPointer) -> Bool { names.contains { name.elementsEqual($0) } }
}
