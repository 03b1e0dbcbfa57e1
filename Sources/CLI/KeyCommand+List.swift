import JSON
import Proxy
import Stores

extension KeyCommand {
    static func list(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.perform(command) { target in
            let store = try target.open(
                masterKey: target.masterKey(), previous: target.previousMasterKeys().keys)
            defer { store.close() }
            let owner = try KeyOwner(command, in: store, allowsAll: true, otherwise: .all)
            let users = Dictionary(uniqueKeysWithValues: try store.users().map { ($0.id, $0) })
            let keys = try keys(of: owner, in: store).map { row throws(StoreError) in
                try StoredKey(row, in: store)
            }
            let rows = keys.map { row($0, users) }
            let heading = ["NAME", "OF", "KEY", "SOURCE", "CREATED", "UPDATED", "VALIDATED"]
            let remarks = keys.compactMap { key in
                key.problem.map { "key `\(Terminal.printable(key.row.name))`: \($0)" }
            }
            return StoreCommand.Outcome(
                keys.isEmpty ? "no keys" : StoreCommand.table(heading, rows),
                remark: remarks.isEmpty ? nil : remarks.joined(separator: "\n")
            ) { json in
                json.key("keys")
                json.beginArray()
                for key in keys { write(key, users.values.map { .user($0) }, &json) }
                json.endArray()
            }
        }
    }

    private static func row(_ key: StoredKey, _ users: [Int64: User]) -> [String] {
        [
            key.row.name, key.row.userID.map { users[$0]?.shownName ?? "-" } ?? "(shared)",
            key.masked ?? "(sealed)", key.row.source, UTCTime.text(key.row.createdAt),
            UTCTime.text(key.row.updatedAt), key.row.lastValidatedAt.map(UTCTime.text) ?? "Never",
        ]
    }

    /// One object. Never the key itself.
    /// - Parameter owners: among them the row's.
    static func write(_ key: StoredKey, _ owners: [KeyOwner], _ json: inout JSONWriter) {
        var user: User?
        for case .user(let owner) in owners where owner.id == key.row.userID { user = owner }
        json.beginObject()
        json.member("name", key.row.name)
        json.member("shared", key.row.userID == nil)
        json.member("user_id", user?.publicID)
        json.member("user", user?.shownName)
        json.member("key", key.masked)
        json.member("source", key.row.source)
        json.member("created_at", time: key.row.createdAt)
        json.member("updated_at", time: key.row.updatedAt)
        json.member("last_validated", time: key.row.lastValidatedAt)
        json.member("problem", key.problem)
        json.endObject()
    }
}
