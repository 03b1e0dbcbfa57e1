import Config
import JSON
import Stores

/// What actions answer where all went well: JSON, as the systems that they stand for have it.
enum ActionAnswers {
    /// For an answer that carries a credential or tells about a user (RFC 9111 §5.2.2.5).
    static let noStore = Array("Cache-Control: no-store\r\n".utf8)

    static func token(_ token: String, status: UInt16) -> ActionReply {
        object(status: status) { json in
            json.member("access_token", token)
            json.member("token_type", "bearer")
        }
    }

    static func session(_ token: String, _ user: User, _ status: KeyStatus) -> ActionReply {
        object { json in
            json.member("token", token)
            json.key("user_id")
            json.value(publicID(user))
            json.member("username", shownName(user))
            json.key("api_key_status")
            json.beginObject()
            write(status, &json)
            json.endObject()
        }
    }

    /// The same as a login tells, and of a key in the database since when it is there and known to be good.
    static func keyStatus(_ found: KeyResolution) -> ActionReply {
        object { json in
            json.key("api_key_status")
            json.beginObject()
            write(KeyStatus(found: found.winner), &json)
            json.member("provider", found.upstream)
            json.member("created_at", found.winner?.row.map { time($0.createdAt) })
            json.member("updated_at", found.winner?.row.map { time($0.updatedAt) })
            json.member("last_validated", found.winner?.row?.lastValidatedAt.map(time))
            json.endObject()
        }
    }

    /// - Parameter fields: of `ActionConfig.userFields`.
    static func user(_ user: User, fields: [String], status: UInt16 = 200) -> ActionReply {
        object(status: status) { json in
            for field in fields {
                json.key(field)
                json.value(value(of: field, user))
            }
        }
    }

    static func greeting(_ user: User) -> ActionReply {
        object { $0.member("msg", "Hello, \(shownName(user))! This is protected.") }
    }

    static func upstreamKey(_ key: UpstreamKey) -> ActionReply { object { write(key, &$0) } }

    static func upstreamKeys(_ keys: [UpstreamKey]) -> ActionReply {
        var json = JSONWriter()
        json.beginArray()
        for key in keys {
            json.beginObject()
            write(key, &json)
            json.endObject()
        }
        json.endArray()
        return reply(json, status: 200)
    }

    static func upstreamKeyDeleted(_ name: String) -> ActionReply {
        object { $0.member("msg", "API key for model '\(name)' deleted successfully") }
    }

    static func generatedKey(_ key: ClientKey, _ credential: Secret, of user: User) -> ActionReply {
        object { json in
            json.member("api_key", String(decoding: credential.reveal(), as: UTF8.self))
            json.member("key_id", key.publicID)
            json.key("user_id")
            json.value(publicID(user))
            json.member("name", key.name)
            json.member("created_at", time(key.createdAt))
            json.member("expires_at", key.expiresAt.map(time))
            json.key("rate_limit")
            json.value(number(key.requestsPerMinute))
        }
    }

    static func validKey(_ key: ClientKey, of user: User) -> ActionReply {
        object { json in
            json.member("valid", true)
            json.key("user_id")
            json.value(publicID(user))
            json.member("key_id", key.publicID)
            json.key("rate_limit")
            json.value(number(key.requestsPerMinute))
            json.member("usage_count", key.usageCount)
            json.member("last_used_at", key.lastUsedAt.map(time))
        }
    }

    /// A report, not a refusal: 200.
    static func invalidKey(_ fault: KeyFault) -> ActionReply {
        object { json in
            json.member("valid", false)
            json.member("error", fault.rawValue)
        }
    }

    /// - Parameter now: nanoseconds since 1970.
    static func limits(_ standings: [LimitStanding], at now: UInt64) -> ActionReply {
        object { json in
            json.key("limits")
            json.beginArray()
            for standing in standings {
                json.beginObject()
                write(standing, at: now, &json)
                json.endObject()
            }
            json.endArray()
        }
    }

    static func models(_ models: [ModelCatalog.Model]) -> ActionReply {
        object { json in
            json.member("object", "list")
            json.key("data")
            json.beginArray()
            for model in models {
                json.beginObject()
                write(model, &json)
                json.endObject()
            }
            json.endArray()
        }
    }

    static func model(_ model: ModelCatalog.Model) -> ActionReply { object { write(model, &$0) } }

    /// - Parameters:
    ///   - rules: `status`, `database` and `timestamp` as far as they are wanted.
    ///   - isGood: of each store.
    ///   - now: nanoseconds since 1970.
    static func health(_ rules: HealthAnswerConfig, isGood: [Bool], at now: UInt64) -> ActionReply {
        let isHealthy = !isGood.contains(false)
        var answer = object(status: isHealthy ? 200 : 503) { json in
            for field in rules.fields {
                switch field {
                case "status": json.member("status", isHealthy ? rules.ok : HealthAnswerConfig.failed)
                case "database":
                    json.member(
                        "database", isGood.isEmpty ? nil : isHealthy ? "SQLite" : "SQLite: cannot be read")
                case "timestamp": json.member("timestamp", time(Int64(now / 1_000_000_000)))
                default: preconditionFailure("the config lets known fields pass alone")
                }
            }
        }
        if !isHealthy { answer.code = "unhealthy" }
        return answer
    }

    // MARK: Pieces

    /// ISO 8601 in UTC, whole seconds: `2026-03-01T12:00:00Z`.
    /// - Parameter seconds: since 1970; what lies before counts as 1970.
    static func time(_ seconds: Int64) -> String {
        Timestamp.text(nanosecondsSince1970(seconds)).prefix { $0 != "." } + "Z"
    }

    /// How a user is addressed.
    static func shownName(_ user: User) -> String { user.username ?? user.email ?? user.publicID }

    private static func object(
        status: UInt16 = 200, _ write: (inout JSONWriter) -> Void
    ) -> ActionReply {
        var json = JSONWriter()
        json.beginObject()
        write(&json)
        json.endObject()
        return reply(json, status: status)
    }

    private static func reply(_ json: JSONWriter, status: UInt16) -> ActionReply {
        ActionReply(status: status, headerLines: noStore, body: json.bytes + [UInt8(ascii: "\n")])
    }

    /// A number where `user_ids: integer` makes it one. An `objectid` has 24 digits, more than fit here.
    private static func publicID(_ user: User) -> JSONValue {
        let digits = user.publicID
        let isNumber = digits.count <= 18 && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? Int64(digits).map { .integer($0) } ?? .string(digits) : .string(digits)
    }

    private static func value(of field: String, _ user: User) -> JSONValue {
        switch field {
        case "id", "user_id": publicID(user)
        case "username": text(user.username)
        case "email": text(user.email)
        case "telegram_id": text(user.telegramID)
        case "is_active": .bool(user.isActive)
        case "created_at": .string(time(user.createdAt))
        case "updated_at": .string(time(user.updatedAt))
        default: preconditionFailure("the config lets known fields pass alone")
        }
    }

    private static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    private static func number(_ number: Int?) -> JSONValue { number.map { .integer(Int64($0)) } ?? .null }

    private static func write(_ standing: LimitStanding, at now: UInt64, _ json: inout JSONWriter) {
        func amount(_ name: String, _ amount: UInt64) {
            let text = standing.unit.plain(amount)
            json.key(name)
            json.value(standing.unit == .money ? .string(text) : .number(text))
        }
        json.member("name", standing.name)
        json.member("key", standing.key)
        amount("limit", standing.max)
        amount("used", standing.used)
        amount("remaining", standing.remaining)
        json.key("reset_in_seconds")
        json.value(standing.resetIn.map { .integer(Int64($0.roundedUpToSeconds)) } ?? .null)
        json.member(
            "resets_at", standing.resetIn.map { time(Int64((now &+ $0).roundedUpToSeconds)) })
        json.key("window_seconds")
        json.value(standing.period.seconds.map { .integer($0) } ?? .null)
    }

    private static func write(_ model: ModelCatalog.Model, _ json: inout JSONWriter) {
        json.member("id", model.id)
        json.member("object", "model")
        json.member("created", model.created)
        json.member("owned_by", model.upstream)
    }

    private static func write(_ status: KeyStatus, _ json: inout JSONWriter) {
        json.member("has_key", status.hasKey)
        json.member("source", status.source)
        json.member("synced", status.isSynced)
    }

    private static func write(_ key: UpstreamKey, _ json: inout JSONWriter) {
        json.member("id", key.id)
        json.member("model_name", key.name)
        json.member("created_at", time(key.createdAt))
    }
}

/// What `validate-key` says of a key that is not good.
enum KeyFault: String, Sendable, CaseIterable {
    case format = "Invalid API key format"
    case unknown = "API key not found"
    case inactive = "API key is inactive"
    case expired = "API key has expired"

    /// What is wrong with a key that was found; nil: nothing.
    init?(_ key: ClientKey, of user: User, now: Int64) {
        guard user.isActive else {
            self = .inactive
            return
        }
        switch key.state(at: now) {
        case .active: return nil
        case .revoked: self = .inactive
        case .expired: self = .expired
        }
    }
}
