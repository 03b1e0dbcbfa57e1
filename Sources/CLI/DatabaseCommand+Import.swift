import JSON
import Proxy
import Stores

extension DatabaseCommand {
    static let importVerb = SubVerb(
        "import", "PATH", count: 1...1, options: ["--dry-run", "--replace"], run: importRecords)

    private static func importRecords(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.perform(command) { target in
            let path = command.operands[0]
            let isTrial = command.has("--dry-run")
            let records = try ImportedRecords(path: path)
            // Why not always: who brings no upstream keys needs no master key.
            let store = try records.upstreamKeys.isEmpty ? target.open() : target.openSealed()
            defer { store.close() }
            let report = try store.importRecords(
                records, replaces: command.has("--replace"),
                passwordCostMax: PasswordHash.costMax(configured: target.passwordCost),
                keyPrefixes: keyPrefixes(target), isTrial: isTrial)
            let lines = summary(report) + details(report) + records.notes.map { "note: \($0)" }
            let last = isTrial ? ["nothing was changed"] : []
            return StoreCommand.Outcome(
                (lines + last).map(Terminal.printable).joined(separator: "\n"),
                remark: isTrial || report.items.isEmpty
                    ? nil
                    : "\(Terminal.printable(path)) still holds what it held: delete it when nobody needs it"
            ) { json in
                json.member("source", path)
                json.member("dry_run", isTrial)
                write(report, &json)
                json.key("notes")
                json.beginArray()
                for note in records.notes { json.value(note) }
                json.endArray()
            }
        }
    }

    /// What keys begin with that come in by the entries of the store; empty: nothing is known of it.
    private static func keyPrefixes(_ target: StoreTarget) -> [String] {
        guard let named = target.named else { return [] }
        let prefixes = named.file.config.auth.compactMap { auth -> String? in
            // Why also an empty name: it stands for the only store.
            guard case .userKeys(let keys) = auth.mode, keys.acceptsKeys,
                ["", named.config.name].contains(keys.store)
            else { return nil }
            return keys.prefix
        }
        return Set(prefixes).sorted()
    }

    /// `users: 2 made, 1 there already`
    private static func summary(_ report: ImportReport) -> [String] {
        ImportReport.Kind.allCases.compactMap { kind in
            let counts = ImportReport.Outcome.allCases.compactMap { outcome -> String? in
                let count = report.count(kind, outcome)
                return count == 0 ? nil : "\(count) \(word(outcome, count))"
            }
            guard !counts.isEmpty || kind == .user else { return nil }
            return "\(title(kind)): " + (counts.isEmpty ? "none" : counts.joined(separator: ", "))
        }
    }

    private static func title(_ kind: ImportReport.Kind) -> String {
        switch kind {
        case .user: "users"
        case .upstreamKey: "upstream keys"
        case .clientKey: "keys of clients"
        }
    }

    private static func word(_ outcome: ImportReport.Outcome, _ count: Int) -> String {
        switch outcome {
        case .made: "made"
        case .present: "there already"
        case .replaced: "replaced"
        case .conflict: count == 1 ? "conflict" : "conflicts"
        case .leftOut: "left out"
        }
    }

    /// What there is to say beyond numbers, a line each.
    private static func details(_ report: ImportReport) -> [String] {
        report.items.compactMap { item in
            guard let reason = item.reason else { return nil }
            let what =
                switch item.kind {
                case .user: "user \(item.name)"
                case .upstreamKey: "upstream key of \(item.name)"
                case .clientKey: "key of \(item.name)"
                }
            return "\(word(item.outcome, 1)): \(what): \(reason)"
        }
    }

    private static func write(_ report: ImportReport, _ json: inout JSONWriter) {
        for kind in ImportReport.Kind.allCases {
            json.key("\(kind.rawValue)s")
            json.beginObject()
            for outcome in ImportReport.Outcome.allCases {
                json.member(outcome.rawValue, Int64(report.count(kind, outcome)))
            }
            json.endObject()
        }
        json.key("items")
        json.beginArray()
        for item in report.items {
            json.beginObject()
            json.member("kind", item.kind.rawValue)
            json.member("name", item.name)
            json.member("outcome", item.outcome.rawValue)
            json.member("reason", item.reason)
            json.endObject()
        }
        json.endArray()
    }
}
