import Stores

/// Asks an upstream whether it takes a key, by its list of models. Blocks.
struct KeyValidation: Sendable {
    /// The upstream's first URL, without a slash at the end.
    let baseURL: String
    let field: KeyFieldLine
    var trust = FetchTrust()

    enum Verdict: Equatable, Sendable {
        case good
        /// 401
        case invalid
        /// 402
        case outOfCredits
        case unexpected(status: UInt16)
        /// There was no answer; why, for people.
        case unknown(String)

        /// nil: the key is good.
        var error: String? {
            switch self {
            case .good: nil
            case .invalid: "Key is invalid or expired"
            case .outOfCredits: "Out of credits"
            case .unexpected(let status): "Unexpected status: \(status)"
            case .unknown(let why): why
            }
        }

        /// The upstream says itself that it does not take the key.
        var isRefusal: Bool { self == .invalid || self == .outOfCredits }

        init(status: UInt16) {
            switch status {
            case 200: self = .good
            case 401: self = .invalid
            case 402: self = .outOfCredits
            default: self = .unexpected(status: status)
            }
        }
    }

    static let timeoutMilliseconds = 10_000

    func verdict(on key: Secret) -> Verdict {
        var request = HTTPFetch.Request(url: baseURL + "/models")
        request.headerLines = field.line(key) + Array("Accept: application/json\r\n".utf8)
        request.trust = trust
        request.totalTimeoutMilliseconds = KeyValidation.timeoutMilliseconds
        // Why: the list of an upstream with hundreds of models is large.
        request.bodyMax = 16 << 20
        do throws(HTTPFetch.Failure) {
            return Verdict(status: try HTTPFetch.send(request).status)
        } catch { return .unknown(error.description) }
    }
}

extension KeyValidation {
    /// A key of the database is known to be good now. Where that cannot be written it is left out: it tells
    /// people something, and decides nothing.
    static func note(_ key: Secret, _ sync: KeySync, in store: Store) {
        let names = sync.query.names(for: sync.sources.upstream)
        for owner in [sync.query.user?.id, nil] {
            for name in names {
                guard let stored = try? store.revealUpstreamKey(user: owner, name: name),
                    stored.isEqual(to: key)
                else { continue }
                _ = try? store.noteUpstreamKeyValidated(user: owner, name: name)
                return
            }
        }
    }
}
