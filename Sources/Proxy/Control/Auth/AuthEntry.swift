import Config

/// One entry of `auth:` as it lives: the callers, and the source that says who they are. An entry that means
/// the same in the next configuration stays the same object, with the same index.
///
/// Belongs to the control thread.
final class AuthEntry {
    /// What makes two entries of the same name the same one.
    enum Identity: Equatable {
        case open
        /// The keys themselves: a new value is a new index, so that it counts exactly from the generation on
        /// that it was read for.
        case envKey([KeyDigest])
        case tokenFile(path: String)
        /// `keys`: SHA-256 of what was read of them; `store`: nil: the token alone decides.
        case jwt(JWTConfig, keys: [UInt8], store: ObjectIdentifier?, maxStale: UInt64)
        case userKeys(
            store: ObjectIdentifier, acceptsKeys: Bool, acceptsSessions: Bool, ignoresOwnLimits: Bool)
    }

    enum Source {
        /// Nobody is known: `none`.
        case none
        /// As they were when the file was read.
        case environment
        case tokenFile(TokenFileSource)
        case store(StoreKeeper, KeyAudience)
        case jwt(JWTAnswerer)
    }

    let name: String
    /// As in the file: `env-key`.
    let modeName: String
    let identity: Identity
    let callers: CallerIndex
    let source: Source
    /// Has nobody who could come in by it, was found so when that was last asked, and says
    /// `when_unconfigured: allow`.
    var isOpen = false

    init(name: String, modeName: String, identity: Identity, callers: CallerIndex, source: Source) {
        self.name = name
        self.modeName = modeName
        self.identity = identity
        self.callers = callers
        self.source = source
    }

    /// Why the source cannot be read, or has nothing.
    var problem: SourceProblem? {
        switch source {
        case .none, .environment: nil
        case .tokenFile(let source): source.state.problem
        case .store(let keeper, _): keeper.problem
        case .jwt(let answerer): answerer.source.problem
        }
    }

    /// - Throws: what stands in the way of a thread.
    func start() throws(SystemError) {
        switch source {
        case .none, .environment, .store: break
        case .tokenFile(let source): try source.start()
        case .jwt(let answerer): try answerer.source.start()
        }
    }

    /// This one is served in place of `old`, of the same name. Who came in by that one goes on, and can
    /// still be revoked.
    /// - Returns: whether somebody could come in until now and cannot any more.
    func takeOver(_ old: AuthEntry) -> Bool {
        switch (old.source, source) {
        case (.environment, .environment), (.tokenFile, .tokenFile), (.store, .store):
            return callers.takeOver(old.callers)
        case (.jwt(let old), .jwt(let next)):
            next.takeOver(old)
            return false
        case (.none, _), (.environment, _), (.tokenFile, _), (.store, _), (.jwt, _): return false
        }
    }

    /// Nothing serves it any more.
    func stop() {
        switch source {
        case .none, .environment: break
        case .tokenFile(let source): source.stop()
        case .store(let keeper, let audience): keeper.detach(audience)
        case .jwt(let answerer): answerer.source.stop(waits: false)
        }
    }
}
