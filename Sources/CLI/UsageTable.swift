import Config
import JSON
import Stores

/// What was used, one line for each whom the grouping tells apart, as text, CSV or JSON.
struct UsageTable {
    struct Line: Equatable {
        /// One for each of `UsageTable.nameColumns`; empty: nobody in particular, none.
        let names: [String]
        /// Row of the key in its store, where lines are by key; 0: none.
        var keyID: Int64 = 0
        var sums: UsageSums
    }

    private struct Identity: Hashable {
        let names: [String]
        let keyID: Int64
    }

    private(set) var lines: [Line] = []
    private let grouping: UsageGrouping

    /// - Parameter ownAuth: entries of `auth` whose users are those of the store; nil: all.
    init(_ groups: [UsageGroup], by grouping: UsageGrouping, ownAuth: Set<String>? = nil) {
        self.grouping = grouping
        // Why by names: a user who comes by a key and by a token is one line. Keys may have the same.
        var sums: [Identity: UsageSums] = [:]
        for group in groups {
            let isOwn = ownAuth?.contains(group.subject.auth) ?? true
            let names = UsageTable.names(of: group, grouping, isOwn: isOwn)
            sums[Identity(names: names, keyID: group.subject.keyID), default: UsageSums()] += group.sums
        }
        lines = sums.map { Line(names: $0.names, keyID: $0.keyID, sums: $1) }.sorted { isBefore($0, $1) }
    }

    var total: UsageSums { lines.reduce(into: UsageSums()) { $0 += $1.sums } }

    /// Whoever used most comes first; days come in their order.
    private func isBefore(_ one: Line, _ other: Line) -> Bool {
        func rank(_ line: Line) -> [Int64] {
            guard grouping != .day else { return [] }
            let tokens = line.sums.inputTokens.addingReportingOverflow(line.sums.outputTokens)
            return [line.sums.nanoUSD, tokens.overflow ? .max : tokens.partialValue, line.sums.requests]
        }
        let (first, second) = (rank(one), rank(other))
        guard first == second else { return second.lexicographicallyPrecedes(first) }
        guard one.names == other.names else { return one.names.lexicographicallyPrecedes(other.names) }
        return one.keyID < other.keyID
    }

    private static func names(of group: UsageGroup, _ grouping: UsageGrouping, isOwn: Bool) -> [String] {
        let subject = group.subject
        switch grouping {
        case .key: return [subject.auth, subject.caller]
        case .user:
            if isOwn, let name = group.username ?? group.email { return ["", name] }
            return [subject.auth, subject.caller]
        case .model: return [subject.model]
        case .upstream: return [subject.upstream]
        case .day: return [dayText(subject.day)]
        }
    }

    /// As in CSV and JSON.
    private var nameColumns: [String] {
        switch grouping {
        case .key: ["auth", "key"]
        case .user: ["auth", "user"]
        case .model, .upstream, .day: [grouping.rawValue]
        }
    }

    /// - Parameter day: since 1970-01-01, UTC.
    static func dayText(_ day: Int64) -> String {
        let (seconds, overflow) = day.multipliedReportingOverflow(by: UsageSubject.secondsPerDay)
        return String(UTCTime.text(overflow ? (day < 0 ? .min : .max) : seconds).prefix(10))
    }
}

// MARK: - For people

extension UsageTable {
    /// Aligned, with a total.
    var text: String {
        let heading =
            nameColumns.map { $0.uppercased() }
            + ["REQUESTS", "FAILED", "INPUT", "CACHED", "OUTPUT", "ESTIMATED", "USD"]
        let decimals = (lines.map(\.sums) + [total]).map { sums in
            UsageTable.dollars(sums).drop { $0 != "." }.dropFirst().count
        }
        let decimalsMin = max(2, decimals.max() ?? 0)
        func cells(_ names: [String], _ sums: UsageSums) -> [String] {
            names.map { $0.isEmpty ? "-" : UsageTable.shortened($0) }
                + UsageTable.counts(sums).map { String($0.value) }
                + [UsageTable.dollars(sums, decimalsMin: decimalsMin)]
        }
        let last = ["total"] + Array(repeating: " ", count: nameColumns.count - 1)
        return StoreCommand.table(
            heading, lines.map { cells($0.names, $0.sums) } + [cells(last, total)],
            numbersFrom: nameColumns.count)
    }

    /// Of a name. Why: a client chooses the name of its model, and one that is long would push all numbers
    /// aside.
    static let nameWidthMax = 60

    private static func shortened(_ name: String) -> String {
        name.count > nameWidthMax ? name.prefix(nameWidthMax - 1) + "…" : name
    }

    private static func dollars(_ sums: UsageSums, decimalsMin: Int = 0) -> String {
        Amounts.written(nanoUSD: UInt64(max(0, sums.nanoUSD)), decimalsMin: decimalsMin)
    }

    private static func counts(_ sums: UsageSums) -> [(name: String, value: Int64)] {
        [
            ("requests", sums.requests), ("failed", sums.failures), ("input_tokens", sums.inputTokens),
            ("cached_input_tokens", sums.cachedInputTokens), ("output_tokens", sums.outputTokens),
            ("estimated", sums.estimated),
        ]
    }
}

// MARK: - For programs

extension UsageTable {
    /// RFC 4180, with a header.
    var csv: String {
        let header = nameColumns + UsageTable.counts(UsageSums()).map(\.name) + ["usd"]
        let rows = lines.map { line in
            line.names.map(UsageTable.csvField) + UsageTable.counts(line.sums).map { String($0.value) }
                + [UsageTable.dollars(line.sums)]
        }
        return ([header] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined()
    }

    /// A spreadsheet takes what begins so for a formula, in quotation marks or not.
    private static let formulaStarts: Set<Character> = ["=", "+", "-", "@"]

    private static func csvField(_ name: String) -> String {
        // Why printable: a client chooses the name of its model, and this may go to a terminal.
        var field = Terminal.printable(name)
        let first = field.first { !$0.isWhitespace }
        // Why also where there is one: the first one is always ours, and can be taken away again.
        let isGuarded = first.map(formulaStarts.contains) ?? false || field.hasPrefix("'")
        if isGuarded { field = "'" + field }
        guard isGuarded || field.contains(where: { $0 == "\"" || $0 == "," }) else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            + "\""
    }

    /// Members `by`, `rows` and `total`.
    func write(_ json: inout JSONWriter) {
        json.member("by", grouping.rawValue)
        json.key("rows")
        json.beginArray()
        for line in lines {
            json.beginObject()
            for (column, name) in zip(nameColumns, line.names) {
                json.member(column, name.isEmpty ? nil : name)
            }
            if grouping == .key { json.member("key_id", number: line.keyID == 0 ? nil : line.keyID) }
            UsageTable.write(line.sums, &json)
            json.endObject()
        }
        json.endArray()
        json.key("total")
        json.beginObject()
        UsageTable.write(total, &json)
        json.endObject()
    }

    private static func write(_ sums: UsageSums, _ json: inout JSONWriter) {
        for (name, value) in counts(sums) { json.member(name, value) }
        json.key("usd")
        json.value(.number(dollars(sums)))
    }
}
