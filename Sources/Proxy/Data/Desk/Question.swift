import Glibc

/// What a worker cannot decide by itself and hands to control: whether a token is good, or what a built-in
/// action answers. The worker goes on; the answer comes as mail.
struct Question: Sendable {
    enum Subject: Sendable {
        /// Is this credential good? Asked of the `jwt` entry that it belongs to.
        case credential(PresentedCredential)
        case action(ActionRequest)
        /// With which key does this go to the upstream? Asked of the upstream's chain.
        case upstreamKey(KeyRequest)
    }
    let ticket: Ticket
    let answerer: Answerer
    let subject: Subject
}

/// What came in as a credential, without its scheme. Never prints; zeroed when it goes.
final class PresentedCredential: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
    private let storage: UnsafeMutableRawBufferPointer
    let digest: KeyDigest

    init(_ bytes: UnsafeRawBufferPointer, digest: KeyDigest) {
        storage = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        storage.copyMemory(from: bytes)
        count = bytes.count
        self.digest = digest
    }

    deinit {
        explicit_bzero(storage.baseAddress!, storage.count)
        storage.deallocate()
    }

    let count: Int
    /// For the one place that needs them.
    func reveal() -> [UInt8] { Array(storage.prefix(count)) }
    var description: String { "<credential>" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// A request for a built-in action, read whole.
struct ActionRequest: Sendable {
    let method: Method
    /// Percent-decoded path behind what the route's pattern fixes: `gpt-4` for `/api_keys/gpt-4` at
    /// `/api_keys/**`. Without the leading slash.
    let pathRest: [UInt8]
    /// Without the `?`.
    let query: [UInt8]
    /// Value of `Content-Type`; empty for none.
    let contentType: [UInt8]
    /// Content, transfer coding taken off. Never printed.
    let body: [UInt8]
    /// Who was let in; nil on an open route.
    let caller: Caller?
    /// The entry that let the caller in.
    let auth: AuthPlan?
    /// What the request carried, whether a source knew it or not; nil for none.
    let credential: PresentedCredential?
    /// The client itself: behind trusted proxies what they say of it.
    let clientAddress: PeerAddress
    let requestID: [UInt8]
    /// By which it came: index into the listeners of the generation that it is served by.
    var listener = 0
}

/// For whom a key is wanted.
struct KeyRequest: Sendable {
    /// Where the answer is looked for next time.
    let key: KeyIndex.Key
    /// The caller as the record names them; empty for nobody in particular.
    let callerLabel: [UInt8]
    /// What the request's body names; empty for none, or where keys are not by model.
    let model: [UInt8]
    /// All of the last answer were refused by the upstream: others are wanted, if there are any.
    let refused: KeySet?
    let requestID: [UInt8]
}

/// What control says.
enum Answer: Sendable {
    /// Keys for the upstream; at least one. In the index already, where that is of use.
    case keys(KeySet)
    /// The credential is good. The caller is in the entry's index already, where that is of use.
    case accepted(Caller)
    /// 401 or 503, in the shape of the route.
    case refused(LocalReply)
    /// What an action answers.
    case reply(ActionReply)
}

struct ActionReply: Sendable {
    var status: UInt16
    /// Whole lines, `Name: value\r\n`; not those that every answer has.
    var headerLines: [UInt8] = []
    /// JSON.
    var body: [UInt8]
    /// `code` for the record; empty where nothing is wrong.
    var code: StaticString = ""
}
