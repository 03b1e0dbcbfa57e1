/// `stores.NAME`: one SQLite file with users, their keys and what they store.
public struct StoreConfig: Equatable, Sendable {
    public var name: String
    /// Path, relative to where `relative_to` says.
    public var path: String
    /// Master key for what is encrypted: 32 bytes as 64 hex digits or base64. nil: none.
    public var encryptionKey: TextSource?
    /// `at_rest: plain`: upstream keys are stored as they are. Default: encrypted, and without a key not at
    /// all.
    public var storesPlain: Bool
    public var userIDs: UserIDs
    /// Form of a user's public id.
    public enum UserIDs: String, Equatable, Sendable, CaseIterable { case uuid, objectid, integer }
    /// bcrypt's cost, 4 to 15. Default 10.
    public var passwordCost: Int
    /// `create: true`: where the file is missing a start makes it, and its master key. Default false: that is
    /// an error.
    public var isCreated = false
    /// Master keys of before, for what was encrypted with them. Default none.
    public var previousEncryptionKeys: [TextSource] = []
}

extension StoreConfig {
    init(_ node: MappingReader) {
        name = node.name
        path = node.required("sqlite", .filePath, "SQLite file.")
        encryptionKey = node.optional(
            "encryption_key", .encryptionKey,
            "Master key that upstream keys are encrypted with: `{env: NAME}`, `{file: path}` or "
                + "`{credential: name}`; 64 hex digits, or base64 of 32 bytes.")
        storesPlain = node.value(
            "at_rest", .word([("encrypted", false), ("plain", true)]), default: "encrypted",
            "`encrypted`: upstream keys need `encryption_key`; `plain`: they are stored as they are.")
        userIDs = node.value(
            "user_ids", .word, default: "uuid",
            "Form of the ids that users are known by outside.")
        passwordCost = node.value(
            "password_cost", .integer(4...15), default: "10",
            "Cost of bcrypt: one more doubles the time of a login.")
        previousEncryptionKeys =
            node.optional(
                "previous_encryption_keys", .oneOrList(.encryptionKey),
                "Master key of before, or a list, for what was encrypted with it: until `headgate key rotate-master`."
            )
            ?? []
        isCreated = node.value(
            "create", .bool, default: "false",
            "Make the file where it is missing, and the file of `encryption_key` with it; else that is an error."
        )
        if encryptionKey == nil, !node.has("encryption_key") {
            node.fail(
                "previous_encryption_keys",
                "`previous_encryption_keys` stands without `encryption_key`\(node.path.inside)",
                hint: "add the key that is used from now on")
        }
        if storesPlain, encryptionKey != nil {
            node.fail(
                "at_rest", "`at_rest: plain` cannot stand with `encryption_key`\(node.path.inside)",
                hint: "remove one of them")
        }
    }
}

extension Form where Value == TextSource {
    static var encryptionKey: Form {
        .secret("64 hex digits or base64 of 32 bytes") { (text) in
            let isHex = text.utf8.count == 64 && text.utf8.allSatisfy { ASCII.hexValue($0) != nil }
            let base = text.hasSuffix("=") ? text.utf8.dropLast() : text.utf8[...]
            // Both alphabets of RFC 4648.
            return isHex
                || base.count == 43
                    && base.allSatisfy { ASCII.isLetterOrDigit($0) || "+/-_".utf8.contains($0) }
        }
    }
}
