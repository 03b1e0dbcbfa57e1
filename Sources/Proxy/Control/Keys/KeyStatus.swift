import Stores

/// What a login and `key-status` tell of the user's key: `api_key_status`.
struct KeyStatus: Equatable, Sendable {
    var hasKey = false
    /// `database`, `key.txt`, `environment`, `auto-provisioned`; nil: there is none.
    var source: String?
    /// This login has written it into the database.
    var isSynced = false

    init() {}

    /// Of the database alone.
    init(stored hasKey: Bool) {
        self.hasKey = hasKey
        source = hasKey ? "database" : nil
    }

    /// What a look has found, which writes nothing.
    init(found winner: KeyResolution.Finding?) {
        hasKey = winner != nil
        source = winner?.source
    }

    init(_ outcome: KeySync.Outcome) {
        hasKey = outcome.key != nil
        source = outcome.source
        isSynced = outcome.isSynced
    }

    /// How the login ends, for the log.
    /// - Parameter verdict: of the upstream; nil: it was not asked.
    func line(_ key: Secret?, _ verdict: KeyValidation.Verdict? = nil) -> KeySync.Line {
        guard let key else {
            return KeySync.Line(level: .warning, text: "[Login] ⚠️ No API key available")
        }
        let mask = KeyMask.text(key)
        if let error = verdict?.error {
            let effect = hasKey ? "not validated" : "not usable"
            return KeySync.Line(level: .warning, text: "[Login] ⚠️ API key \(effect): \(mask) (\(error))")
        }
        return KeySync.Line(
            level: .info, text: "[Login] ✅ API key ready: \(mask) (source: \(source ?? "unknown"))")
    }
}
