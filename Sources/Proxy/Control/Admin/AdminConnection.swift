/// One who asks: what has come of the request, and what is left of the answer. Pure: no socket, no clock.
struct AdminConnection {
    enum Step: Equatable {
        case incomplete
        /// The head is there. Its body is read only after `expectBody`.
        case head(AdminRequest)
        /// Head and body are there.
        case complete(AdminRequest)
        case invalid
    }

    let descriptor: Int32
    /// Over TCP, where the token is asked for.
    let isRemote: Bool
    /// Monotonic nanoseconds, after which a connection that awaits nothing is ended. A head has to be whole
    /// by then, a byte now and then is not enough; a body and an answer only have to move.
    var idleAt: UInt64
    /// What was asked is being done; its outcome is the answer.
    var awaitsAnswer = false
    /// Whoever asks may open the Unix socket, or has the token: they may take their time.
    var isTrusted = false
    private(set) var route: AdminRoutes.Route?
    private var input: [UInt8] = []
    /// Once the head is whole.
    private var request: AdminRequest?
    private var output: [UInt8] = []
    private var sent = 0

    init(descriptor: Int32, isRemote: Bool, idleAt: UInt64) {
        self.descriptor = descriptor
        self.isRemote = isRemote
        self.idleAt = idleAt
    }

    var hasOutput: Bool { sent < output.count }

    mutating func received(_ bytes: ArraySlice<UInt8>) -> Step {
        let before = input.count
        input += bytes
        guard let request else { return readHead(from: max(0, before - 3)) }
        // Why not judged by what is more: nobody sends a second request before the answer to the first.
        return input.count >= request.contentLength ? finishBody() : .incomplete
    }

    /// The head is as it should be: the body may come.
    /// - Parameter admitted: the request, as it is to be served.
    mutating func expectBody(of admitted: AdminRequest, for route: AdminRoutes.Route) -> Step {
        self.route = route
        request = admitted
        let request = admitted
        return input.count >= request.contentLength ? finishBody() : .incomplete
    }

    /// - Parameter start: where the end of the head may begin: what is before was looked at.
    private mutating func readHead(from start: Int) -> Step {
        guard let end = input.endOfHead(from: start), end <= AdminRequest.headMax else {
            return input.count >= AdminRequest.headMax ? .invalid : .incomplete
        }
        guard let read = AdminRequest(head: input[..<end]) else { return .invalid }
        input.removeFirst(end + 4)
        request = read
        return .head(read)
    }

    private mutating func finishBody() -> Step {
        guard var request else { return .invalid }
        request.body = Array(input.prefix(request.contentLength))
        input = []
        return .complete(request)
    }

    // MARK: - The answer

    mutating func answer(_ response: AdminResponse) {
        awaitsAnswer = false
        output = response.bytes
    }

    var unsent: ArraySlice<UInt8> { output[sent...] }

    mutating func noteSent(_ count: Int) { sent += count }
}

extension [UInt8] {
    /// Where the empty line after a head begins, its own line end not counted.
    fileprivate func endOfHead(from start: Int) -> Int? {
        guard count >= start + 4 else { return nil }
        return (start...(count - 4)).first { self[$0..<($0 + 4)].elementsEqual("\r\n\r\n".utf8) }
    }
}
