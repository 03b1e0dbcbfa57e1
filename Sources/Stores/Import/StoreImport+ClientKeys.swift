/// Keys that clients of another program come in by.
extension StoreImport {
    mutating func take(_ source: ImportedClientKey) throws(StoreError) {
        var key = source
        let cuts = key.cut()
        let text = String(decoding: key.key.reveal(), as: UTF8.self)
        let isKey = ImportedClientKey.canBeKey(text)
        let user = try owner(key.ownerID)
        let beginning = isKey ? Credential.shownPrefix(of: text) + "..." : "no key"
        let shown = "\(shownOwner(key.ownerID, user)): \(beginning)"
        guard let user else { return note(.clientKey, shown, .leftOut, absence(of: key.ownerID)) }
        guard isKey else {
            let bytes = ImportedClientKey.keyBytes
            let wanted = "\(bytes.lowerBound) to \(bytes.upperBound) printable ASCII characters"
            return note(.clientKey, shown, .leftOut, "a key must be \(wanted)")
        }
        guard key.expiry != .unreadable else {
            return note(.clientKey, shown, .leftOut, "its `expires_at` cannot be read")
        }
        if let found = try store.key(digest: sha256(key.key.reveal())) {
            guard found.userID == user.id else {
                return note(.clientKey, shown, .conflict, "belongs to somebody else here")
            }
            return try compare(found, key, shown)
        }
        let rule = TextRule.name(max: 100)
        let name = key.name.flatMap { rule.accepts($0) ? $0 : nil }
        try store.insertKey(key, name: name ?? "default", of: user)
        var remarks: [String] = []
        if key.isActive != true {
            remarks.append(key.isActive == nil ? "revoked: its `is_active` is empty" : "revoked, as it was")
        }
        if key.name != nil, name == nil {
            remarks.append("is called `default` now: a name must be \(rule.wanted)")
        }
        if !keyPrefixes.isEmpty, !keyPrefixes.contains(where: { text.hasPrefix($0) }) {
            let prefixes = keyPrefixes.map { "`\($0)`" }.joined(separator: " or ")
            remarks.append("lets nobody in: keys have to begin with \(prefixes), by `prefix` of `user-keys`")
        }
        remarks += cuts
        note(.clientKey, shown, .made, remarks.isEmpty ? nil : remarks.joined(separator: "; "))
    }

    private mutating func compare(
        _ ours: ClientKey, _ theirs: ImportedClientKey, _ shown: String
    ) throws(StoreError) {
        let isRevoked = ours.revokedAt.map { $0 <= store.now } ?? false
        let isRevokedThere = theirs.isActive != true
        let limit = ours.requestsPerMinute.map { Int64($0) }
        var differences: [String] = []
        if isRevoked != isRevokedThere { differences.append("is revoked \(isRevoked ? "here" : "there")") }
        if ours.expiresAt != theirs.expiresAt { differences.append("expires at another time there") }
        if limit != theirs.requestsPerMinute { differences.append("has another limit there") }
        guard !differences.isEmpty else { return note(.clientKey, shown, .present) }
        let text = differences.joined(separator: " and ")
        guard replaces else {
            let reason = "\(text): what is here stays; `--replace` takes the stricter of both"
            return note(.clientKey, shown, .conflict, reason)
        }
        let expiresAt = [ours.expiresAt, theirs.expiresAt].compactMap { $0 }.min()
        let limitOfBoth = [limit, theirs.requestsPerMinute].compactMap { $0 }.min()
        let revokes = isRevokedThere && !isRevoked
        guard revokes || expiresAt != ours.expiresAt || limitOfBoth != limit else {
            return note(.clientKey, shown, .present, "\(text): what is here stays, which is the stricter")
        }
        try store.bound(
            ours.id, expiresAt: expiresAt, requestsPerMinute: limitOfBoth, isRevoked: revokes)
        note(.clientKey, shown, .replaced, "\(text): the stricter of both holds now")
    }
}
