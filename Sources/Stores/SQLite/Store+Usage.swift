extension Store {
    /// Adds to what the rows hold already: all of it or nothing.
    public func addUsage(_ usage: [UsageSubject: UsageSums]) throws(StoreError) {
        guard !usage.isEmpty else { return }
        try transaction { () throws(StoreError) in
            for (subject, sums) in usage { try add(sums, for: subject) }
        }
    }

    private func add(_ sums: UsageSums, for subject: UsageSubject) throws(StoreError) {
        let counts = UsageSums.fields.map { Database.Value.integer(max(0, sums[keyPath: $0])) }
        try database.run(
            Store.additionOfUsage,
            [
                .integer(subject.day), .text(subject.auth), .text(subject.caller), .integer(subject.keyID),
                .integer(subject.userID), .text(subject.model), .text(subject.upstream),
            ] + counts)
    }

    /// Deletes what is older than `UsageSubject.daysKept`, `max` rows at most.
    /// - Returns: how many; `max`: there may be more.
    @discardableResult
    public func forgetOldUsage(max: Int = 10_000) throws(StoreError) -> Int {
        let subject = "day, auth, caller, key_id, user_id, model, upstream"
        return try database.run(
            """
            DELETE FROM usage WHERE (\(subject)) IN (SELECT \(subject) FROM usage WHERE day < ? LIMIT ?)
            """, [.integer(now / UsageSubject.secondsPerDay - UsageSubject.daysKept), .integer(Int64(max))])
    }

    private static let usageColumns = [
        "requests", "failures", "input_tokens", "output_tokens", "cached_input_tokens", "nano_usd",
        "estimated",
    ]

    private static let additionOfUsage: String = {
        let subject = "day, auth, caller, key_id, user_id, model, upstream"
        let places = Array(repeating: "?", count: 7 + usageColumns.count).joined(separator: ", ")
        let sums = usageColumns.map { "\($0) = min(\($0), \(Int64.max) - excluded.\($0)) + excluded.\($0)" }
        return """
            INSERT INTO usage (\(subject), \(usageColumns.joined(separator: ", "))) VALUES (\(places))
            ON CONFLICT (\(subject)) DO UPDATE SET \(sums.joined(separator: ", "))
            """
    }()

    /// - Parameter days: since 1970-01-01, UTC.
    /// - Returns: in no order.
    public func usage(by grouping: UsageGrouping, days: ClosedRange<Int64>) throws(StoreError) -> [UsageGroup]
    {
        // Why halves: `sum` fails where it overflows, and rows may be as large as can be.
        let halves = Store.usageColumns.map { "sum(\($0) >> 32), sum(\($0) & 0xFFFFFFFF)" }
        return try database.rows(
            """
            SELECT usage_sums.*, users.username, users.email FROM (
                SELECT \(halves.joined(separator: ", ")), \(Store.columns(of: grouping))
                FROM usage WHERE day BETWEEN ?1 AND ?2 GROUP BY \(Store.groups(of: grouping))
            ) AS usage_sums LEFT JOIN users ON users.id = usage_sums.user
            """, [.integer(days.lowerBound), .integer(days.upperBound)]
        ) { row in
            let first = Int32(Store.usageColumns.count * 2)
            return UsageGroup(
                subject: UsageSubject(
                    day: row.number(first), auth: row.text(first + 1), caller: row.text(first + 2),
                    keyID: row.number(first + 3), userID: row.number(first + 4), model: row.text(first + 5),
                    upstream: row.text(first + 6)),
                username: row.optionalText(first + 7), email: row.optionalText(first + 8),
                sums: UsageSums(row))
        }
    }

    /// Day, auth, caller, key, user, model and upstream.
    ///
    /// Why `max(day)`: the other columns are then those of a row of that day
    /// (<https://sqlite.org/lang_select.html#bareagg>), so that a key that was renamed has its last name.
    private static func columns(of grouping: UsageGrouping) -> String {
        switch grouping {
        case .key: "max(day), auth, caller, key_id, user_id AS user, '', ''"
        case .user: "max(day), auth, caller, 0, user_id AS user, '', ''"
        case .model: "max(day), '', '', 0, 0 AS user, model, ''"
        case .upstream: "max(day), '', '', 0, 0 AS user, '', upstream"
        case .day: "day, '', '', 0, 0 AS user, '', ''"
        }
    }

    /// Whoever has no row in a store is known by the label alone.
    private static func groups(of grouping: UsageGrouping) -> String {
        switch grouping {
        case .key: "auth, key_id, iif(key_id = 0, user_id, 0), iif(key_id = 0, caller, '')"
        case .user: "auth, user_id, iif(user_id = 0, caller, '')"
        case .model: "model"
        case .upstream: "upstream"
        case .day: "day"
        }
    }
}

extension UsageSums {
    fileprivate init(_ row: Row) {
        for (index, field) in UsageSums.fields.enumerated() {
            let (upper, lower) = (row.number(Int32(index * 2)), row.number(Int32(index * 2 + 1)))
            let (shifted, overflow) = upper.multipliedReportingOverflow(by: 1 << 32)
            let (sum, carry) = shifted.addingReportingOverflow(lower)
            self[keyPath: field] = overflow || carry ? .max : sum
        }
    }
}
