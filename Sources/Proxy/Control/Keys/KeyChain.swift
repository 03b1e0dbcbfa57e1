import CLinux
import Config
import Stores

/// Answers with which keys a caller's requests go to one upstream: all that its sources have, best first.
/// What it finds goes into the index, where the next request finds it; who has none is asked for anew after a
/// second, or as soon as the store says that something has changed.
///
/// Reads the database on the store's thread, files on whichever it is on, and has keys made on a thread that
/// may wait: nobody else waits for that.
final class KeyChain: ControlAnswerer, @unchecked Sendable {
    // Why @unchecked: the superclass is; everything here is immutable or locked.

    typealias Opened = KeySync.Opened

    let sources: KeySources
    let index: KeyIndex
    let field: KeyFieldLine
    /// nil: the chain has no database.
    let keeper: StoreKeeper?
    /// nil: none can be made.
    let provisioner: KeyProvisioner?
    let validation: KeyValidation
    private let credentials: CredentialPool
    let pool: FetchPool
    private let diary: KeyDiary
    private let misses = KeyMisses()

    init(
        _ sources: KeySources, field: KeyFieldLine, keeper: StoreKeeper?, provisioner: KeyProvisioner?,
        validation: KeyValidation, credentials: CredentialPool, pool: FetchPool, diary: KeyDiary = KeyDiary(),
        index: KeyIndex = KeyIndex()
    ) {
        self.sources = sources
        self.field = field
        self.keeper = keeper
        self.provisioner = provisioner
        self.validation = validation
        self.credentials = credentials
        self.pool = pool
        self.diary = diary
        self.index = index
        super.init()
        _ = keeper?.onUserChanges(self) { [weak self] users, _ in self?.usersChanged(users) }
    }

    /// Keys are by model where users have several.
    var isByModel: Bool { sources.chain.store != nil }

    /// What is wrong with sources now, as far as somebody asked.
    var problems: [String] { diary.problems }

    // MARK: - Questions of workers

    override func answer(_ question: Question, _ reply: Reply) {
        guard case .upstreamKey(let request) = question.subject else {
            preconditionFailure("a chain of keys is asked for keys alone")
        }
        let answer = KeyAnswer(reply)
        guard let keeper else { return decide(request, nil, answer) }
        // Why not promptly: after a start all users ask at once, each waits with one request, and none should
        // be sent away for that. Where it is not taken, going away answers.
        _ = keeper.performInAnyCase { [self] opened in decide(request, opened, answer) }
    }

    private func decide(_ request: KeyRequest, _ store: Opened?, _ answer: KeyAnswer) {
        if let known = known(request) { return answer.send(known) }
        let version = index.version(for: request.key)
        guard let query = query(request, store) else {
            return answer.send(.refused(.upstreamKeyUnavailable))
        }
        let mayProvision =
            request.refused == nil || provisioner?.mayRenew(for: request.key.userID) ?? false
        let isRefused = isRefused(request)
        run(query, in: store, mayProvision: mayProvision, isRefused: isRefused) {
            [self] sync, store, isFirst in
            conclude(sync, request, version, store, isFirst, answer)
        }
    }

    /// What needs no look into the sources.
    private func known(_ request: KeyRequest) -> Answer? {
        let now = headgate_monotonic_ns()
        if let set = index.find(request.key) {
            // Another question came first.
            if request.refused == nil { return .keys(set) }
            if set !== request.refused, set.keys.contains(where: { !$0.isRefused(now: now) }) {
                return .keys(set)
            }
        }
        let asks = KeyMisses.Asker(key: request.key, hasRefused: request.refused != nil)
        return misses.isFresh(asks, now: now) ? .refused(KeyChain.refusal(asks)) : nil
    }

    private func query(_ request: KeyRequest, _ store: Opened?) -> KeyQuery? {
        let model = String(validating: request.model, as: UTF8.self).flatMap { $0.isEmpty ? nil : $0 }
        guard request.key.userID > 0, let store else { return KeyQuery(model: model) }
        do throws(StoreError) {
            return KeyQuery(user: try store.get().user(.id(request.key.userID)), model: model)
        } catch {
            diary.noteUnavailable(sources.upstream, error)
            return nil
        }
    }

    private func isRefused(_ request: KeyRequest) -> (Secret) -> Bool {
        guard let refused = request.refused else { return { _ in false } }
        let now = headgate_monotonic_ns()
        return { [field] key in
            let line = field.line(key)
            return refused.keys.contains { $0.isRefused(now: now) && $0.line.elementsEqual(line) }
        }
    }

    private func conclude(
        _ sync: KeySync, _ request: KeyRequest, _ version: UInt64, _ store: Opened?, _ isFirst: Bool,
        _ answer: KeyAnswer
    ) {
        let asks = KeyMisses.Asker(key: request.key, hasRefused: request.refused != nil)
        guard !sync.outcome.isUnavailable else {
            diary.write(sync, saysAll: false)
            return answer.send(.refused(.upstreamKeyUnavailable))
        }
        guard sync.outcome.key != nil else {
            let isNews = misses.note(asks, now: headgate_monotonic_ns())
            diary.write(sync, saysAll: isNews && isFirst)
            return answer.send(.refused(KeyChain.refusal(asks)))
        }
        diary.write(sync, saysAll: isFirst)
        misses.forget(users: [request.key.userID])
        let (resolution, version) = settle(sync, request.key, version, store)
        let set = keySet(resolution, isForUser: sync.query.user != nil)
        // What was found could not be found again: nobody is to be told so for longer than this once.
        guard !set.keys.isEmpty else { return answer.send(.refused(.upstreamKeyUnavailable)) }
        index.put(set, for: request.key, version: version)
        answer.send(.keys(set))
    }

    private static func refusal(_ asks: KeyMisses.Asker) -> LocalReply {
        asks.hasRefused ? .upstreamCredentialsExhausted : .upstreamKeyMissing
    }

    /// What was written down changes the user, by which the index forgets them: what is true now is looked
    /// for behind that.
    private func settle(
        _ sync: KeySync, _ key: KeyIndex.Key, _ version: UInt64, _ store: Opened?
    ) -> (KeyResolution, UInt64) {
        guard sync.outcome.isSynced else { return (sync.resolution, version) }
        keeper?.keysChanged()
        let version = index.version(for: key)
        return (sources.look(for: sync.query, in: store, held: provisioner?.held(for: key.userID)), version)
    }

    private func keySet(_ resolution: KeyResolution, isForUser: Bool) -> KeySet {
        let keys = resolution.usable.compactMap { finding in
            finding.key.map {
                credentials.credential($0, line: field.line($0), source: finding.source)
            }
        }
        let canRenew = resolution.findings.contains { finding in
            isForUser && finding.kind == .provision && finding.state != .absent && finding.state != .badFormat
        }
        return KeySet(keys, choice: .first, canRenew: canRenew)
    }

    /// Within a job of the store: what the sources have for a user now. Changes nothing.
    func look(for user: User, in store: Store) -> KeyResolution {
        sources.look(for: KeyQuery(user: user), in: .success(store), held: provisioner?.held(for: user.id))
    }

    /// The field with a key that is at hand without the store: for what the gateway asks by itself. Reads
    /// files. Any thread but a worker's.
    func lineForNobody() -> [UInt8]? {
        let found = sources.look(for: KeyQuery(user: nil, model: nil), in: nil).findings
        return found.lazy.compactMap(\.key).first.map { field.line($0) }
    }

    // MARK: - Running

    /// - Parameter finish: called once, within a job of the store where there is one; false for whoever
    ///   waited for a key that is made for somebody else's question.
    private func run(
        _ query: KeyQuery, in store: Opened?, mayProvision: Bool = true,
        isRefused: (Secret) -> Bool = { _ in false },
        finish: @escaping @Sendable (KeySync, Opened?, Bool) -> Void
    ) {
        let user = query.user?.id ?? 0
        var sync = KeySync(
            sources, for: query, in: store, held: provisioner?.held(for: user), mayProvision: mayProvision)
        guard case .provision(let key) = sync.begin(in: store, isRefused: isRefused), let provisioner else {
            if sync.outcome.isSynced { provisioner?.release(for: user) }
            return finish(sync, store, true)
        }
        let (begun, epoch) = (sync, provisioner.epoch)
        provisioner.make(for: user, user8: query.shortID, with: key) { [self] made, isFirst in
            inJob { store in
                var sync = begun
                sync.take(made, in: store)
                if let unsaved = sync.unsaved { provisioner.hold(unsaved, for: user, since: epoch) }
                if isFirst { provisioner.settled(for: user) }
                finish(sync, store, isFirst)
            }
        }
    }

    /// A key that was made must not get lost because others ask too much.
    private func inJob(_ body: @escaping @Sendable (Opened?) -> Void) {
        guard let keeper else { return body(nil) }
        if !keeper.performInAnyCase({ body($0) }) { body(.failure(.failed("the store is closed"))) }
    }

    private func usersChanged(_ users: [Int64]?) {
        // 0 is what all share, which may be what stands in for a user's own.
        if users == nil { provisioner?.forgetUsers() }
        if let users, !users.contains(0) {
            index.forget(users: users)
            misses.forget(users: users)
        } else {
            index.forgetAll()
            misses.forgetAll()
        }
    }
}

// MARK: - Logins

extension KeyChain {
    /// Within a job of the store: brings the user's key about, as a login does.
    /// - Parameter done: called once, now or later on another thread.
    func sync(
        _ user: User, in store: Store, validates: Bool, done: @escaping @Sendable (KeyStatus) -> Void
    ) {
        let name = ActionAnswers.shownName(user)
        run(KeyQuery(user: user), in: .success(store)) { [self] sync, _, _ in
            if sync.outcome.isSynced { keeper?.keysChanged() }
            if sync.unsaved != nil { usersChanged([user.id]) }
            let begun = "[Login] User \(name) logged in, syncing API key..."
            let status = KeyStatus(sync.outcome)
            guard validates, let key = sync.outcome.key else {
                diary.write(sync, before: begun, after: status.line(sync.outcome.key))
                return done(status)
            }
            validate(key, of: user, sync) { [self] verdict in
                let status = verdict.isRefusal ? KeyStatus() : status
                diary.write(sync, before: begun, after: status.line(key, verdict))
                done(status)
            }
        }
    }

    private func validate(
        _ key: Secret, of user: User, _ sync: KeySync,
        _ done: @escaping @Sendable (KeyValidation.Verdict) -> Void
    ) {
        pool.perform(
            FetchPool.Job(
                work: { [self] in
                    let verdict = validation.verdict(on: key)
                    if verdict == .good { note(key, sync) }
                    done(verdict)
                },
                dropped: { done(.unknown("too many keys are being checked")) }))
    }

    /// The row that the key came from, or was written into, is known to be good now.
    private func note(_ key: Secret, _ sync: KeySync) {
        inJob { store in
            guard let store = try? store?.get() else { return }
            KeyValidation.note(key, sync, in: store)
        }
    }
}
