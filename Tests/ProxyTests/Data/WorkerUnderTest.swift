import CLinux
import COpenSSL
import Glibc
import Synchronization

@testable import Proxy

/// A listening socket on a loopback port that the kernel chose.
final class TestListener {
    let descriptor: Int32
    let port: UInt16

    init(backlog: Int32 = 128) throws {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        self.descriptor = descriptor
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) | listen(descriptor, backlog)
                    | getsockname(descriptor, address, &length)
            }
        }
        guard result == 0 else {
            throw Unexpected("no loopback listener: \(String(cString: strerror(errno)))")
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    func accept() throws -> TestConnection {
        guard let connection = accept(milliseconds: patience) else { throw Unexpected("nobody connects") }
        return connection
    }

    func accept(milliseconds: Int32) -> TestConnection? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) == 1 else { return nil }
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { return nil }
        Socket.setNoDelay(accepted)
        return TestConnection(accepted)
    }

    /// - Parameter receiveBuffer: bytes of SO_RCVBUF, for a client that is to stall soon; nil: the kernel's.
    func connect(receiveBuffer: Int32? = nil) throws -> TestConnection {
        let connection = TestConnection(
            socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        if var size = receiveBuffer {
            setsockopt(
                connection.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        Socket.setNoDelay(connection.descriptor)
        let result = address.withPointer { Glibc.connect(connection.descriptor, $0, $1) }
        guard result == 0 else { throw Unexpected("connect: \(String(cString: strerror(errno)))") }
        return connection
    }

    var address: SocketAddress {
        withUnsafePointer(to: loopback(port: port)) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                SocketAddress($0, length: socklen_t(MemoryLayout<sockaddr_in>.size))!
            }
        }
    }
}

func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

/// An upstream whose part the test plays itself.
final class TestUpstream {
    let listener: TestListener
    let state: EndpointState
    private static let lastID = Atomic<Int>(0)

    init(backlog: Int32 = 128) throws {
        listener = try TestListener(backlog: backlog)
        let id = TestUpstream.lastID.add(1, ordering: .relaxed).newValue
        state = EndpointState(id: id, display: "http://test-\(id)", tls: nil)
        state.publish([listener.address])
    }

    func accept() throws -> TestConnection { try listener.accept() }

    func endpoint(
        path: String = "", maxConnections: Int = 100, maxIdle: Int = 8, idleTimeout: UInt64 = 60 * second
    ) -> EndpointPlan {
        EndpointPlan(
            state: state, authority: Array("upstream.test".utf8), basePath: Array(path.utf8),
            basePathEndsInV1: path.hasSuffix("/v1"), maxConnections: maxConnections,
            maxIdlePerWorker: maxIdle,
            idleTimeout: idleTimeout)
    }
}

let millisecond: UInt64 = 1_000_000
let second: UInt64 = 1_000_000_000

extension UpstreamTimeouts {
    static let patient = UpstreamTimeouts(
        connect: 10 * second, firstByte: 10 * second, idle: 10 * second, total: 0)

    static func patient(
        connect: UInt64? = nil, firstByte: UInt64? = nil, idle: UInt64? = nil, total: UInt64? = nil
    ) -> UpstreamTimeouts {
        UpstreamTimeouts(
            connect: connect ?? patient.connect, firstByte: firstByte ?? patient.firstByte,
            idle: idle ?? patient.idle,
            total: total ?? 0)
    }
}

extension RoutePlan {
    /// A route that takes everything to the first upstream, unless told otherwise.
    static func test(
        _ path: PathPattern = .subtree([]), host: HostPattern = .any, methods: MethodSet = .any,
        headers: [HeaderCondition] = [], listeners: [Int] = [], ignoresCredentials: Bool = true,
        auth: [AuthPlan] = [], limits: [LimitPlan] = [], errors: ErrorShape = .openai, footer: String = "",
        action: RouteAction = .proxy(upstream: 0, timeouts: .patient), strip: String = "", add: String = "",
        requestHeaders: HeaderEdits = .none, responseHeaders: HeaderEdits = .none, maxBody: UInt64 = .max,
        cors: CORSPolicy? = nil, rateLimitFields: RateLimitFieldStyles = [.openai, .ietf],
        inspectBodyMax: Int = RoutePlan.inspectBodyMax, recordsUsage: Bool = false,
        subject: LimitSubject = .everybody, defaults: BodyDefaults = .none, transform: BodyTransform = .none,
        figures: RouteFigures? = nil
    ) -> RoutePlan {
        RoutePlan(
            match: RouteMatch(
                listeners: listeners, host: host, path: path, methods: methods, headers: headers),
            auth: auth.isEmpty ? [.open(ignoresCredentials: ignoresCredentials)] : auth, limits: limits,
            rateLimitFields: rateLimitFields, inspectBodyMax: inspectBodyMax, recordsUsage: recordsUsage,
            subject: subject, errors: errors, errorFooter: Array(footer.utf8), action: action,
            stripPrefix: Array(strip.utf8),
            addPrefix: Array(add.utf8), requestHeaders: requestHeaders, responseHeaders: responseHeaders,
            maxBodyBytes: maxBody, cors: cors, defaults: defaults, transform: transform, figures: figures,
            label: "routes[0]",
            labelText: PlanText("routes[0]"))
    }

    /// A route that answers `ok` by itself.
    static func ok(
        _ path: PathPattern = .subtree([]), auth: [AuthPlan], limits: [LimitPlan] = [],
        errors: ErrorShape = .openai, footer: String = ""
    ) -> RoutePlan {
        let response = FixedResponse(status: 200, contentType: [], body: Array("ok".utf8))
        return .test(
            path, auth: auth, limits: limits, errors: errors, footer: footer, action: .respond(response))
    }

    static func proxying(_ timeouts: UpstreamTimeouts, maxBody: UInt64 = .max) -> RoutePlan {
        .test(action: .proxy(upstream: 0, timeouts: timeouts), maxBody: maxBody)
    }

    static func responding(_ path: String, _ body: String, status: UInt16 = 200) -> RoutePlan {
        let response = FixedResponse(
            status: status, contentType: Array("text/plain; charset=utf-8".utf8), body: Array(body.utf8))
        return .test(.exact(Array(path.utf8)), action: .respond(response))
    }
}

extension LimitPlan {
    /// Requests in any minute.
    static func test(_ subject: LimitSubjectParts, perMinute max: UInt64) -> LimitPlan {
        .test(subject, [(.requests, .minute, max)])
    }

    /// Each with an id of its own.
    static func test(
        _ subject: LimitSubjectParts, _ numbers: [(LimitMeasure.Unit, LimitMeasure.Period, UInt64)],
        defaultReserve: UInt64? = nil, cuts: Bool = false, charge: ChargePolicy = ChargePolicy(),
        isShadow: Bool = false
    ) -> LimitPlan {
        let measures = numbers.map { unit, period, max in
            LimitMeasure(
                id: UInt32(lastMeasureID.add(1, ordering: .relaxed).newValue),
                identity: "l/\(unit)/\(period)", limitName: PlanText("l"),
                keyName: PlanText("\(unit)_per_\(period)"), unit: unit, period: period, max: max,
                isShadow: isShadow)
        }
        return LimitPlan(
            name: PlanText("l"), measures: measures, subject: subject, cutsOnExceed: cuts,
            defaultReserve: defaultReserve, charge: charge)
    }
}

private let lastMeasureID = Atomic<Int>(1000)

extension AuthPlan {
    static func open(ignoresCredentials: Bool = false) -> AuthPlan {
        AuthPlan(name: "open", mode: .open(ignoresCredentials: ignoresCredentials), callers: CallerIndex())
    }

    static func jwt(rejectStatus: UInt16 = 401, cuts: Bool = false) -> AuthPlan {
        AuthPlan(
            name: "staff", mode: .jwt(answerer: Answerer()), callers: CallerIndex(),
            rejectStatus: rejectStatus, cutsOnRevoke: cuts)
    }

    /// An entry that knows these.
    static func keys(
        _ callers: [Caller], schemes: CredentialSchemes = .bearer, rejectStatus: UInt16 = 401,
        cuts: Bool = false
    ) -> AuthPlan {
        let plan = AuthPlan(
            name: "apps", mode: .keys, callers: CallerIndex(), schemes: schemes, rejectStatus: rejectStatus,
            cutsOnRevoke: cuts)
        for caller in callers { plan.callers.put(caller) }
        return plan
    }
}

extension Caller {
    /// - Parameter key: its credential.
    static func test(
        _ key: String, label: String = "web app", notAfter: UInt64 = .max, perMinute: UInt32 = 0,
        models: ModelList? = nil, state: Caller.State = .active
    ) -> Caller {
        Caller(
            digest: KeyDigest.test(key), notAfter: notAfter, label: PlanText(label),
            requestsPerMinute: perMinute, models: models, state: state)
    }
}

extension UpstreamPlan {
    static func test(
        _ name: String, _ endpoints: [EndpointPlan], retry: RetryPlan = RetryPlan(), key: KeyPlan? = nil,
        gate: UpstreamGate? = nil
    ) -> UpstreamPlan {
        UpstreamPlan(
            name: name, endpoints: endpoints, timeouts: .patient, preservesHost: false, gate: gate,
            queueTimeout: 10 * second, retry: retry, retryBudget: RetryBudget(percent: 100), key: key)
    }
}

extension ModelPlan {
    static func test(_ name: String, _ targets: [(Int, ModelTarget.Name)]) -> ModelPlan {
        ModelPlan(
            name: PlanText(name), targets: targets.map { ModelTarget(upstream: $0.0, name: $0.1) })
    }
}

extension RouteAction {
    /// To as many upstreams as there are.
    static func models(_ upstreams: Int, only: Int? = nil, firstByte: UInt64? = nil) -> RouteAction {
        let timeouts = UpstreamTimeouts.patient(firstByte: firstByte)
        return .models(
            ModelRoutePlan(
                timeouts: Array(repeating: timeouts, count: upstreams), onlyUpstream: only))
    }

    static var act: RouteAction { .action(ActionPlan(name: "act", answerer: Answerer())) }
}

extension Question {
    var credential: PresentedCredential? {
        if case .credential(let credential) = subject { credential } else { nil }
    }
    var action: ActionRequest? { if case .action(let request) = subject { request } else { nil } }
}

extension KeyDigest {
    static func test(_ key: String) -> KeyDigest {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var bytes = Array(key.utf8)
        withUnsafeMutableBytes(of: &words) { headgate_sha256(&bytes, bytes.count, $0.baseAddress) }
        return KeyDigest(words: words)
    }
}

/// A generation by its differences from a usual one.
struct GenerationSketch {
    var routes: [RoutePlan] = [.test()]
    var endpoints: [EndpointPlan] = []
    var preservesHost = false
    var trustedProxies: [AddressRange] = []
    var allow: [AddressRange] = []
    var maxConnections = 1000
    var headLimits = HeadLimits(maxBytes: 32768, maxFields: 100)
    var head: UInt64 = 10 * second
    var body: UInt64 = 10 * second
    var clientIdle: UInt64 = 10 * second
    var keepAlive: UInt64 = 10 * second
    var allowsHalfClose = false
    var recordsUsage = false
    var telemetry: TelemetryPlan?
    var models: [ModelPlan] = []
    /// Listeners that stand before the one under test.
    var otherListeners = 0
    var hasListener = true
    /// How long control may take.
    var answerLimit = 10 * second
    var bodiesMax = BodyBudget.bytesMax
    var gate: UpstreamGate?
    var queueTimeout = 10 * second
    var balance = BalancePlan()
    var health = HealthPlan()
    /// Why not the usual one: most tests are about one attempt.
    var retry = RetryPlan(causes: [.connect])
    var retryBudget = RetryBudget(percent: 100)
    var key: KeyPlan?
    /// Behind the first one.
    var otherUpstreams: [UpstreamPlan] = []
    var modelRoutes: [ModelPlan] = []
    var unrouted: RouteFigures?
    /// Of the first upstream.
    var figures: UpstreamFigures?

    init() {}
    init(_ upstream: TestUpstream) { endpoints = [upstream.endpoint()] }
}

/// A real worker on its own thread, and what control would hold of it.
final class WorkerUnderTest {
    let handle: WorkerHandle
    let listener: TestListener
    let census = GenerationCensus()
    private let connections = ConnectionCount()
    private var number: UInt64 = 0
    private var isStopped = false

    private static let identity = ListenerIdentity(rawValue: 7)

    init(_ sketch: GenerationSketch, index: Int = 0, of mailboxes: Mailboxes? = nil) throws {
        listener = try TestListener()
        let all = mailboxes ?? Mailboxes()
        handle = try WorkerHandle(
            index: index, controlBell: try Bell(), writerBell: try WriterBell(), desk: Desk(), mailboxes: all,
            bodies: BodyBudget(bytesMax: sketch.bodiesMax), answerLimit: sketch.answerLimit)
        if mailboxes == nil { all.use([handle.mailbox]) }
        try Worker.start(handle)
        try adopt(sketch)
    }

    /// Several workers that know of each other, each with a listener of its own.
    static func several(_ count: Int, _ sketch: GenerationSketch) throws -> [WorkerUnderTest] {
        let mailboxes = Mailboxes()
        let workers = try (0..<count).map { try WorkerUnderTest(sketch, index: $0, of: mailboxes) }
        mailboxes.use(workers.map(\.handle.mailbox))
        return workers
    }

    convenience init(_ upstream: TestUpstream, _ change: (inout GenerationSketch) -> Void = { _ in }) throws {
        var sketch = GenerationSketch(upstream)
        change(&sketch)
        try self.init(sketch)
    }

    /// Publishes the next generation and waits until the worker serves it.
    func adopt(_ sketch: GenerationSketch) throws {
        number += 1
        handle.mailbox.post(.adopt(makeGeneration(sketch), sockets: sockets(sketch)))
        guard eventually({ handle.adoptedGeneration.load(ordering: .acquiring) == number }) else {
            throw Unexpected("generation \(number) was not adopted")
        }
        handle.mailbox.post(.reloadEnded)
    }

    private func sockets(_ sketch: GenerationSketch) -> [ListenerSocket] {
        guard sketch.hasListener else { return [] }
        return [ListenerSocket(identity: WorkerUnderTest.identity, descriptor: listener.descriptor)]
    }

    private func makeGeneration(_ sketch: GenerationSketch) -> Generation {
        var listeners: [ListenerPlan] = []
        for index in 0..<sketch.otherListeners {
            listeners.append(
                plan(sketch, "other", ListenerIdentity(rawValue: 100 + index), ConnectionCount()))
        }
        if sketch.hasListener {
            listeners.append(plan(sketch, "main", WorkerUnderTest.identity, connections))
        }
        return Generation(
            number: number, listeners: listeners, routes: RouteTable(routes: sketch.routes),
            upstreams: [
                UpstreamPlan(
                    name: "u", endpoints: sketch.endpoints, timeouts: .patient,
                    preservesHost: sketch.preservesHost, gate: sketch.gate,
                    queueTimeout: sketch.queueTimeout, balance: sketch.balance, health: sketch.health,
                    retry: sketch.retry, retryBudget: sketch.retryBudget, key: sketch.key,
                    figures: sketch.figures)
            ] + sketch.otherUpstreams,
            models: ModelTable(sketch.models), modelRoutes: ModelTable(sketch.modelRoutes),
            recordsUsage: sketch.recordsUsage,
            trustedProxies: sketch.trustedProxies, unrouted: sketch.unrouted, telemetry: sketch.telemetry,
            census: census)
    }

    private func plan(
        _ sketch: GenerationSketch, _ name: String, _ identity: ListenerIdentity,
        _ connections: ConnectionCount
    ) -> ListenerPlan {
        ListenerPlan(
            name: name, nameText: PlanText(name), identity: identity, allow: sketch.allow,
            maxConnections: sketch.maxConnections, connections: connections, headLimits: sketch.headLimits,
            timeouts: ListenerTimeouts(
                head: sketch.head, body: sketch.body, clientIdle: sketch.clientIdle,
                keepAlive: sketch.keepAlive),
            allowsHalfClose: sketch.allowsHalfClose)
    }

    func connect(receiveBuffer: Int32? = nil) throws -> TestConnection {
        try listener.connect(receiveBuffer: receiveBuffer)
    }

    func drain(for nanoseconds: UInt64) {
        handle.mailbox.post(.drain(deadline: monotonicNow() + nanoseconds))
    }

    var hasFinished: Bool { handle.hasFinished.load(ordering: .acquiring) }

    /// As control sees it: after freeing what the worker has let go of.
    var generationsAlive: Int {
        handle.freeReleased()
        return census.alive
    }

    /// Ends the worker's thread. Everything that it held must then be gone.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        drain(for: 0)
        let isOver = eventually { hasFinished && generationsAlive == 0 }
        precondition(isOver, "the worker did not end: \(census.alive) generations alive")
    }

    /// Waits for that many records, and takes them.
    func records(_ count: Int) throws -> [SeenRecord] {
        var seen: [SeenRecord] = []
        let cameAll = eventually {
            handle.records.drain { record, texts in
                seen.append(
                    SeenRecord(record: record, texts: texts.map { String(decoding: $0, as: UTF8.self) }))
            }
            return seen.count >= count
        }
        guard cameAll, seen.count == count else { throw Unexpected("\(seen.count) records, not \(count)") }
        return seen
    }

    /// What exchanges that have ended have used; empty if none says.
    func usages() -> [SeenUsage] {
        var seen: [SeenUsage] = []
        handle.usage.drain { record, texts in
            seen.append(SeenUsage(record: record, texts: texts.map { String(decoding: $0, as: UTF8.self) }))
        }
        return seen
    }

    /// Waits for the next question to control.
    func question() throws -> Question {
        guard eventually({ handle.desk.count > 0 }) else { throw Unexpected("nothing was asked") }
        let questions = handle.desk.take()
        guard questions.count == 1 else { throw Unexpected("\(questions.count) questions, not 1") }
        return questions[0]
    }

    /// Settled and reserved.
    func used(_ measure: LimitMeasure, by subject: LimitSubject) -> UInt64 {
        let time = LimitTime(monotonic: monotonicNow(), realtime: headgate_realtime_ns())
        return handle.ledger.peek(measure: measure, subject: subject, max: measure.max, at: time).used
    }

    func answer(_ question: Question, _ answer: Answer) {
        handle.mailbox.post(.answered(question.ticket, answer))
    }

    func record() throws -> SeenRecord { try records(1)[0] }
}

struct SeenUsage {
    let record: UsageRecord
    let texts: [String]
    subscript(_ text: UsageText) -> String { texts[text.rawValue] }
}

struct SeenRecord {
    let record: ExchangeRecord
    let texts: [String]
    subscript(_ text: RecordText) -> String { texts[text.rawValue] }

    var status: UInt16 { record.status }
    var outcome: ExchangeRecord.Outcome { record.outcome }
    var fault: ExchangeRecord.Fault { record.fault }
}
