import Config
import Stores

/// A built-in endpoint as one route mounts it: the action's rules, and what it needs to follow them.
final class BoundAction: ControlAnswerer, @unchecked Sendable {
    /// What `login` and `register` sign tokens with.
    struct TokenIssue: Sendable {
        let signer: JWTSigner
        /// What goes into `sub`.
        let subject: JWTConfig.Subject
    }

    /// - Parameters:
    ///   - store: of the action; of the `user-keys` entry for `generate-key` and `validate-key`.
    ///   - hashes: one pool for the whole process.
    ///   - tokens: where the action issues JWTs.
    ///   - keyPrefix: of the `user-keys` entry, for `generate-key` and `validate-key`; else of no meaning.
    init(
        _ config: ActionConfig, errors: ErrorFormat, store: any StoreAccess, hashes: HashPool,
        tokens: TokenIssue? = nil, keyPrefix: String = ""
    ) {
        super.init()
    }

    override func answer(_ question: Question, _ reply: Reply) { fatalError("not yet") }
}
