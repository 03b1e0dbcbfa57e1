import Stores

/// What the upstream itself is asked about keys by hand.
extension UpstreamKeyChain {
    /// Asks the upstream whether it takes a key.
    public func validate(_ key: Secret) -> Report {
        var report = Report(key: key)
        report.note(validation.verdict(on: key))
        return report
    }

    /// Asks the upstream whether it takes the key that requests would go out with.
    public func validate(_ query: KeyQuery, in store: Store) -> Report {
        let resolution = explain(query, in: .success(store))
        guard let winner = resolution.winner, let key = winner.key else {
            return Report(isValid: false, error: resolution.why)
        }
        var report = validate(key)
        report.source = winner.source
        if report.isValid == true, let row = winner.row {
            // Why it may fail: it tells people something, and decides nothing.
            _ = try? store.noteUpstreamKeyValidated(user: row.userID, name: row.name)
        }
        return report
    }

    /// Has a new key made for the user, and writes it down. One that was made before is replaced; one that
    /// somebody has stored is not.
    public func provision(_ user: User, in store: Store) throws(StoreError) -> Report {
        let query = KeyQuery(user: user)
        guard let provisioning, let config = sources.chain.provision else {
            return Report(error: "`key` of \(sources.upstream) has no `provision`")
        }
        guard sources.chain.remembers else { return Report(error: UpstreamKeyChain.nowhere) }
        if let error = try reasonNotToWrite(user, in: store) { return Report(error: error) }
        guard let pass = sources.provisioningKey() else {
            return Report(error: "\(config.key.shownName) not set, cannot auto-provision")
        }
        var report = Report(
            lines: ["[KeyManager] 🔄 Auto-provisioning new key for user \(query.shortID)..."])
        let key: Secret
        do throws(Provisioning.Failure) {
            key = try provisioning.make(user8: query.shortID, with: pass)
        } catch {
            report.error = "Auto-provision failed: \(error)"
            return report
        }
        guard sources.format.accepts(key) else {
            report.error = "Invalid key format in \(KeySources.provisioned)"
            return report
        }
        let error = try store.transaction { () throws(StoreError) -> String? in
            // Why again: somebody may have stored one meanwhile.
            if let error = try reasonNotToWrite(user, in: store) { return error }
            try store.setUpstreamKey(
                user: user.id, name: sources.upstream, key: key, source: KeySources.provisioned)
            return nil
        }
        guard error == nil else {
            report.error = error
            return report
        }
        let mask = KeyMask.text(key)
        report.lines += [
            "[KeyManager] ✅ Auto-provisioned new key: \(mask)",
            "[KeyManager] ✅ Saved key to database (source: \(KeySources.provisioned)): \(mask)",
        ]
        report.key = key
        report.source = KeySources.provisioned
        report.isSynced = true
        return report
    }

    private func reasonNotToWrite(_ user: User, in store: Store) throws(StoreError) -> String? {
        let stored = try store.upstreamKeys(user: user.id).first { $0.name == sources.upstream }
        guard let stored, stored.source != KeySources.provisioned else { return nil }
        return "there is a key with source `\(stored.source)`: `headgate key unset` deletes it"
    }

    private static let nowhere = "a new key would be written nowhere: add `remember: database` to `key`"
}

extension UpstreamKeyChain.Report {
    mutating func note(_ verdict: KeyValidation.Verdict) {
        isValid = verdict == .good ? true : verdict.isRefusal ? false : nil
        error = verdict.error
    }
}
