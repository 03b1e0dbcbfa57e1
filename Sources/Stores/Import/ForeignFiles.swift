import Glibc
import JSON

/// The folder of JSON files of another program: `users.json` and `api_keys.json`, or one of them alone.
///
/// Each is a list of records, or an object with a record below each id. Numbers may stand for texts, and what
/// `mongoexport` writes (`{"$oid": …}`, `{"$date": …}`) is read as the value that it means.
enum ForeignFiles {
    /// Bytes of a file.
    static let limitBytes = 64 << 20
    private static let usersName = "users.json"
    private static let keysName = "api_keys.json"
    /// What a store has no place for, and why that does no harm.
    private static let others = [
        "rate_limits.json": "what has been used of limits counts anew",
        "request_logs.json": "the log of past requests stays where it is",
    ]

    static func read(folder: String) throws(ImportError) -> ImportedRecords {
        var records = ImportedRecords()
        guard let users = try content(folder + "/" + usersName, isOptional: true) else {
            throw ImportError("\(folder): there is no \(usersName) in it")
        }
        try take(users, folder + "/" + usersName, into: &records)
        if let keys = try content(folder + "/" + keysName, isOptional: true) {
            try take(keys, folder + "/" + keysName, into: &records)
        } else {
            records.notes.append("there is no \(keysName): no keys")
        }
        for (name, why) in others.sorted(by: { $0.key < $1.key })
        where access(folder + "/" + name, F_OK) == 0 {
            records.notes.append("\(name) is left out: \(why)")
        }
        return records
    }

    static func read(file: String) throws(ImportError) -> ImportedRecords {
        var records = ImportedRecords()
        try take(try content(file, isOptional: false) ?? [], file, into: &records)
        return records
    }

    private static func content(_ path: String, isOptional: Bool) throws(ImportError) -> [UInt8]? {
        do throws(FileReadError) {
            return try readFile(path, limitBytes: limitBytes)
        } catch {
            guard isOptional, error == .missing else { throw ImportError("\(path): \(error)") }
            return nil
        }
    }

    private static func take(
        _ bytes: [UInt8], _ path: String, into records: inout ImportedRecords
    ) throws(ImportError) {
        let tree: JSONValue
        do throws(JSONError) {
            tree = try JSONValue.parse(ForeignText.withoutMark(bytes), limitBytes: limitBytes)
        } catch {
            throw ImportError("\(path) \(error)")
        }
        let found = try self.records(tree, path)
        for (index, record) in found.enumerated() {
            let namesUser = record.value("username") != nil || record.value("telegram_id") != nil
            if namesUser, record.value("key") == nil, !record.standsBelowKey {
                records.users.append(ImportedUser(record))
            } else if record.value("user_id") != nil {
                records.clientKeys.append(ImportedClientKey(record))
            } else {
                throw ImportError("\(path): record \(index + 1) is neither a user nor a key")
            }
        }
    }

    private static func records(_ tree: JSONValue, _ path: String) throws(ImportError) -> [ForeignRecord] {
        var records: [ForeignRecord] = []
        switch tree {
        case .array(let items): records = items.map { ForeignRecord(tree: $0) }
        case .object(let members): records = members.map { ForeignRecord(id: $0.key, tree: $0.value) }
        case .null, .bool, .integer, .number, .string:
            throw ImportError("\(path): must be a list of records, or an object of them by id")
        }
        if let wrong = records.firstIndex(where: { $0.tree.members == nil }) {
            throw ImportError("\(path): record \(wrong + 1) is none")
        }
        return records
    }
}

/// One record of such a file.
struct ForeignRecord {
    /// The name that it stands below; nil: in a list.
    var id: String?
    let tree: JSONValue

    /// nil: it is not there, or null.
    func value(_ name: String) -> JSONValue? {
        guard let found = tree[name].map(ForeignRecord.plain), found != .null else { return nil }
        return found
    }

    /// Whether it has a user, and stands below what can be a key of theirs and is none of their names. Such
    /// records may also say what the user is called.
    var standsBelowKey: Bool {
        guard let id, let owner = text("user_id"), value("hashed_password") == nil else { return false }
        let names = [owner, text("username"), text("email"), text("telegram_id")]
        let lowercase = id.lowercased()
        return !names.contains(id) && ImportedClientKey.canBeKey(id) && Int64(id) == nil && !id.contains("@")
            && !PublicID.isUUID(lowercase) && !PublicID.isObjectID(lowercase)
    }

    /// Numbers as they are written.
    func text(_ name: String) -> String? {
        switch value(name) {
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let text): text
        case .null, .bool, .array, .object, nil: nil
        }
    }

    func integer(_ name: String) -> Int64? {
        switch value(name) {
        case .integer(let number): number
        case .string(let text): Int64(text)
        // Why: a limit that is written as a fraction, or is too high, is one all the same.
        case .number(let text):
            Double(text).map { Int64(exactly: $0.rounded(.up)) ?? ($0 > 0 ? Int64.max : Int64.min) }
        case .null, .bool, .array, .object, nil: nil
        }
    }

    /// - Returns: true where it does not say; nil: null stands there.
    func flag(_ name: String) -> Bool? {
        guard let found = tree[name].map(ForeignRecord.plain) else { return true }
        return switch found {
        case .null: nil
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .string(let text), .number(let text): ForeignText.flag(text)
        case .array, .object: false
        }
    }

    func time(_ name: String) -> Int64? {
        switch value(name) {
        case .string(let text): ForeignTime.seconds(text)
        case .integer(let number): ForeignTime.seconds(number)
        // Why cut: a fraction of a second.
        case .number(let text): Int64(text.prefix { $0 != "." }).map { ForeignTime.seconds($0) }
        case .null, .bool, .array, .object, nil: nil
        }
    }

    /// `{"$oid": "…"}` and the like: what is in it.
    private static func plain(_ value: JSONValue) -> JSONValue {
        guard let members = value.members, members.count == 1, members[0].key.hasPrefix("$") else {
            return value
        }
        return plain(members[0].value)
    }
}

extension ImportedUser {
    fileprivate init(_ record: ForeignRecord) {
        self.init(
            sourceID: record.text("id") ?? record.text("user_id") ?? record.id ?? record.text("_id") ?? "")
        username = record.text("username")
        email = record.text("email")
        // Why not 0: it is what stands there for none.
        telegramID = record.text("telegram_id").flatMap { $0 == "0" ? nil : $0 }
        passwordHash = record.text("hashed_password")
        isActive = record.flag("is_active")
        createdAt = record.time("created_at")
        updatedAt = record.time("updated_at")
    }
}

extension ImportedClientKey {
    fileprivate init(_ record: ForeignRecord) {
        // Why the name above it: some files have the key there.
        let key = record.text("key") ?? record.id ?? ""
        self.init(
            ownerID: record.text("user_id") ?? "",
            sourceID: record.text("id") ?? record.id ?? record.text("_id") ?? "", name: record.text("name"),
            key: Secret(key), requestsPerMinute: record.integer("rate_limit"),
            isActive: record.flag("is_active"), expiry: .never,
            usageCount: max(0, record.integer("usage_count") ?? 0),
            lastUsedAt: record.time("last_used_at"), createdAt: record.time("created_at"))
        if record.value("expires_at") != nil {
            expiry = record.time("expires_at").map { .at($0) } ?? .unreadable
        }
        if let metadata = record.value("metadata"), metadata.members?.isEmpty == false {
            var json = JSONWriter()
            json.value(metadata)
            self.metadata = json.text
        }
    }
}
