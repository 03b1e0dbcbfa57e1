extension Store {
    /// Puts these in the place of what was there: all of them or none. One that holds nothing goes.
    public func putLedger(_ rows: [LedgerRow]) throws(StoreError) {
        guard !rows.isEmpty else { return }
        try transaction { () throws(StoreError) in
            for row in rows { try put(row) }
        }
    }

    private func put(_ row: LedgerRow) throws(StoreError) {
        let key: [Database.Value] = [.text(row.measure), .blob(row.subject.bytes)]
        guard !row.state.isEmpty else {
            try database.run("DELETE FROM ledger WHERE measure = ? AND subject = ?", key)
            return
        }
        try database.run(
            """
            INSERT INTO ledger (measure, subject, state, updated_at, expires_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (measure, subject) DO UPDATE
            SET state = excluded.state, updated_at = excluded.updated_at, expires_at = excluded.expires_at
            """, key + [.blob(row.state.bytes), .integer(now), .integer(row.expiresAt)])
    }

    /// Those of a measure that have not expired.
    /// - Throws: `.corrupt` where a row holds what no headgate has written.
    public func ledger(of measure: String) throws(StoreError) -> [LedgerRow] {
        let read = try database.rows(
            "SELECT subject, state, expires_at FROM ledger WHERE measure = ? AND expires_at > ?",
            [.text(measure), .integer(now)]
        ) { row in ledgerRow(row, measure) }
        var rows: [LedgerRow] = []
        rows.reserveCapacity(read.count)
        for row in read { rows.append(try row.get()) }
        return rows
    }

    private func ledgerRow(_ row: Row, _ measure: String) -> Result<LedgerRow, StoreError> {
        let key = row.blob(0)
        guard let subject = LedgerSubject(key) else {
            return .failure(corrupt(key, measure, "its subject is not 16 bytes long"))
        }
        do throws(LedgerState.Fault) {
            let state = try LedgerState(row.blob(1))
            let expiresAt = row.number(2)
            return .success(
                LedgerRow(measure: measure, subject: subject, state: state, expiresAt: expiresAt))
        } catch { return .failure(corrupt(key, measure, error.description)) }
    }

    private func corrupt(_ key: [UInt8], _ measure: String, _ what: String) -> StoreError {
        let subject = "X'\(lowercaseHex(key))'"
        let quoted = measure.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        return .corrupt(
            "what is used up of \(measure) by the subject \(subject) cannot be read: \(what); to forget it: "
                + "sqlite3 \(path) \"DELETE FROM ledger WHERE measure = '\(quoted)' AND subject = \(subject)\""
        )
    }

    /// Deletes what has expired, `max` rows at most.
    /// - Returns: how many; `max`: there may be more.
    @discardableResult
    public func forgetExpiredLedger(max: Int = 10_000) throws(StoreError) -> Int {
        try database.run(
            """
            DELETE FROM ledger WHERE (measure, subject) IN (
                SELECT measure, subject FROM ledger WHERE expires_at <= ? LIMIT ?)
            """, [.integer(now), .integer(Int64(max))])
    }
}
