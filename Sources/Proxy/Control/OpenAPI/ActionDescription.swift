import Config
import JSON
import Stores

/// Operations of routes with a built-in action: what `BoundAction` and its like take and answer.
enum ActionDescription {
    /// Text without control characters, and without a blank at its ends: as much as a pattern can say of what
    /// `TextRule` takes for visible.
    static let visible =
        #"^[^\u0000-\u0020\u007F-\u00A0]([^\u0000-\u001F\u007F-\u009F]*[^\u0000-\u0020\u007F-\u00A0])?$"#
    /// The same without `/`, and with `@` in front alone.
    static let username =
        #"^[^\u0000-\u0020\u007F-\u00A0/]([^\u0000-\u001F\u007F-\u009F/@]*[^\u0000-\u0020\u007F-\u00A0/@])?$"#
    static let withoutNUL = #"^[^\u0000]*$"#
    /// Members that any request may have.
    private static let membersMax = JSONValue.Member("maxProperties", .integer(Int64(ActionMembers.countMax)))

    /// - Returns: one for each path; a route that takes several methods has the same for each. Empty:
    ///   the action is the description itself, or its page.
    static func operations(of action: ActionConfig, at path: PathConfig) -> [DescribedOperation] {
        let fixed = path.fixed
        switch action.kind {
        case .register(let rules): return [register(rules, fixed)]
        case .login(let rules): return [login(rules, fixed)]
        case .me(let fields):
            return [account(fixed, "readUser", "Tells who you are.", [.answer("The user.", user(fields))])]
        case .protected:
            return [account(fixed, "greet", "Greets you.", [.answer("A greeting.", .message)])]
        case .setAPIKey(let rules): return [setKey(rules, fixed)]
        case .listAPIKeys:
            return [
                keys(
                    fixed, "listKeys", "Lists your keys for upstreams, without the keys.",
                    [.answer("The keys.", .list(of: storedKey))])
            ]
        case .deleteAPIKey: return [deleteKey(path)]
        case .keyStatus:
            return [
                keys(
                    fixed, "readKeyStatus", "Tells whether you have a key for an upstream, and where from.",
                    [.answer("The status.", keyStatus)])
            ]
        case .generateKey(let rules): return [generateKey(rules, fixed)]
        case .validateKey: return [validateKey(fixed)]
        case .limits: return [limits(fixed)]
        case .models: return models(path)
        case .health(let rules): return [health(rules, fixed)]
        case .openapi, .docs: return []
        }
    }

    // MARK: Accounts

    private static func account(
        _ path: String, _ id: String, _ summary: String, _ answers: [JSONValue.Member]
    ) -> DescribedOperation {
        DescribedOperation(
            path: path, method: "", id: id, summary: summary, tag: "Accounts", answers: answers)
    }

    private static func register(_ rules: RegisterConfig, _ path: String) -> DescribedOperation {
        let order = ["email", "username", "password"]
        let properties = order.filter { rules.required.contains($0) || rules.optional.contains($0) }.map {
            let isOptional = !rules.required.contains($0)
            return ($0, registered($0, rules).orNull(isOptional))
        }
        let answer: JSONValue.Member =
            rules.issues == nil
            ? .answer("The new user.", user(rules.fields), status: 201)
            : .answer("A token.", .ref("Token"), status: 201)
        var operation = account(path, "register", "Makes a user.", [answer])
        operation.request = jsonOrForm(body(properties, optional: rules.optional))
        return operation
    }

    private static func registered(_ name: String, _ rules: RegisterConfig) -> JSONValue {
        switch name {
        case "email": .type("string", [("format", .string("email")), ("maxLength", .integer(254))])
        case "username": .string(min: 1, max: 64, pattern: username)
        default:
            .string(
                min: max(1, rules.passwordLengthMin), max: TextRule.passwordBytesMax, pattern: withoutNUL)
        }
    }

    private static func login(_ rules: LoginConfig, _ path: String) -> DescribedOperation {
        let name = JSONValue.string(min: 1, max: 320, pattern: withoutNUL)
        let member = rules.identity == .email ? "email" : "username"
        let told = rules.identity == .either ? name.described("Name or e-mail address.") : name
        let answer: JSONValue.Member =
            switch rules.response {
            case .oauth2: .answer("A token.", .ref("Token"))
            case .session: .answer("A session.", session)
            }
        var operation = account(path, "login", "Gives a token for a password.", [answer])
        operation.request = jsonOrForm(
            body([
                (member, told), ("password", .string(max: TextRule.passwordBytesMax, pattern: withoutNUL)),
            ]))
        return operation
    }

    /// - Parameter optional: properties that may be left out.
    private static func body(_ properties: [(String, JSONValue)], optional: [String] = []) -> JSONValue {
        guard case .object(let members) = JSONValue.schema(properties, optional: optional) else {
            return .null
        }
        return .object(members + [membersMax])
    }

    static let token = JSONValue.schema([
        ("access_token", .type("string")), ("token_type", .constant(.string("bearer"))),
    ])

    private static let session = JSONValue.schema([
        ("token", .type("string")), ("user_id", publicID), ("username", .type("string")),
        ("api_key_status", .schema(statusProperties)),
    ])

    private static let statusProperties: [(String, JSONValue)] = [
        ("has_key", .type("boolean")), ("source", .nullable("string")), ("synced", .type("boolean")),
    ]

    private static let publicID = JSONValue.object([
        .init("type", .array([.string("string"), .string("integer")]))
    ])

    private static func user(_ fields: [String]) -> JSONValue {
        .schema(
            fields.map { field in
                switch field {
                case "id", "user_id": (field, publicID)
                case "is_active": (field, .type("boolean"))
                case "created_at", "updated_at": (field, .dateTime)
                default: (field, .nullable("string"))
                }
            })
    }

    // MARK: Keys for upstreams

    private static func keys(
        _ path: String, _ id: String, _ summary: String, _ answers: [JSONValue.Member]
    ) -> DescribedOperation {
        DescribedOperation(
            path: path, method: "", id: id, summary: summary, tag: "Upstream keys", answers: answers)
    }

    private static func setKey(_ rules: UpstreamKeyRules, _ path: String) -> DescribedOperation {
        var operation = keys(
            path, "setKey", "Stores your key for an upstream.", [.answer("What is stored.", storedKey)])
        let prefix = (rules.prefix ?? "").escapedForPattern
        let key = JSONValue.string(
            min: max(1, rules.lengthMin), max: TextRule.upstreamKeyBytesMax, pattern: "^\(prefix)[!-~]*$")
        operation.request = jsonOrForm(
            body([("model_name", .string(min: 1, max: 256, pattern: visible)), ("api_key", key)]))
        return operation
    }

    private static func deleteKey(_ path: PathConfig) -> DescribedOperation {
        var operation = keys(
            front(path) + "{model_name}", "deleteKey", "Deletes your key for an upstream.",
            [.answer("It is deleted.", .message)])
        operation.parameters = [DescribedOperation.pathParameter("model_name", "Name that the key has.")]
        return operation
    }

    /// What stands in front of the rest of a path, which names something.
    private static func front(_ path: PathConfig) -> String {
        switch path {
        case .prefix(let start): start
        case .exact(let start), .subtree(let start): start + "/"
        }
    }

    private static let storedKey = JSONValue.schema([
        ("id", .type("integer")), ("model_name", .type("string")), ("created_at", .dateTime),
    ])

    private static let keyStatus = JSONValue.schema([
        (
            "api_key_status",
            .schema(
                statusProperties + [
                    ("provider", .type("string")), ("created_at", .dateTimeOrNull),
                    ("updated_at", .dateTimeOrNull), ("last_validated", .dateTimeOrNull),
                ])
        )
    ])

    // MARK: Keys of this gateway

    private static func generateKey(_ rules: GenerateKeyConfig, _ path: String) -> DescribedOperation {
        let visibleOf64 = JSONValue.string(min: 1, max: 64, pattern: visible)
        var properties: [(String, JSONValue)] = []
        if rules.selfService {
            let number = JSONValue.integer(.min ... .max)
            properties.append(("username", .string(min: 3, max: 50, pattern: username)))
            properties.append(("telegram_id", .anyOf([number, visibleOf64])))
        }
        properties += [
            ("name", .string(min: 1, max: 100, pattern: visible).orNull()),
            (
                "rate_limit",
                .integer(1...Int64(max(1, rules.rateLimitMax)), orNull: true).described(
                    "Requests per minute.")
            ), ("expires_in_days", .integer(1...36_500, orNull: true)),
        ]
        let answer = JSONValue.schema([
            ("api_key", .type("string")), ("key_id", .type("string")), ("user_id", publicID),
            ("name", .type("string")), ("created_at", .dateTime), ("expires_at", .dateTimeOrNull),
            ("rate_limit", .nullable("integer")),
        ])
        return DescribedOperation(
            path: path, method: "", id: "generateKey", summary: "Makes an API key, and shows it this once.",
            tag: "API keys",
            request: jsonOrForm(body(properties, optional: ["name", "rate_limit", "expires_in_days"])),
            answers: [.answer("The key.", answer)])
    }

    private static func validateKey(_ path: String) -> DescribedOperation {
        let good = JSONValue.schema([
            ("valid", .constant(.bool(true))), ("user_id", publicID), ("key_id", .type("string")),
            ("rate_limit", .nullable("integer")), ("usage_count", .type("integer")),
            ("last_used_at", .dateTimeOrNull),
        ])
        let bad = JSONValue.schema([
            ("valid", .constant(.bool(false))), ("error", .oneOf(KeyFault.allCases.map(\.rawValue))),
        ])
        return DescribedOperation(
            path: path, method: "", id: "validateKey",
            summary: "Tells whether the API key of the request is good.",
            tag: "API keys", answers: [.answer("A report, also on a bad key.", .anyOf([good, bad]))])
    }

    // MARK: The gateway

    private static func limits(_ path: String) -> DescribedOperation {
        let amount = JSONValue.object([.init("type", .array([.string("number"), .string("string")]))])
        let limit = JSONValue.schema([
            ("name", .type("string")), ("key", .type("string")), ("limit", amount), ("used", amount),
            ("remaining", amount), ("reset_in_seconds", .nullable("integer")),
            ("resets_at", .dateTimeOrNull), ("window_seconds", .nullable("integer")),
        ])
        return DescribedOperation(
            path: path, method: "", id: "readLimits", summary: "Tells what you have left, and uses nothing.",
            tag: "Gateway", answers: [.answer("The limits.", .schema([("limits", .list(of: limit))]))])
    }

    private static func models(_ path: PathConfig) -> [DescribedOperation] {
        let list = DescribedOperation(
            path: path.fixed, method: "", id: "listModels", summary: "Lists the models that you may use.",
            tag: "Models", answers: [.answer("The models.", .ref("ModelList"))])
        if case .exact = path { return [list] }
        let one = DescribedOperation(
            path: front(path) + "{model}", method: "", id: "retrieveModel",
            summary: "Tells of one model.",
            tag: "Models", parameters: [DescribedOperation.pathParameter("model", "Name of the model.")],
            answers: [.answer("The model.", .ref("Model"))])
        return [list, one]
    }

    private static func health(_ rules: HealthAnswerConfig, _ path: String) -> DescribedOperation {
        func schema(_ status: String) -> JSONValue {
            .schema(
                rules.fields.map { field in
                    switch field {
                    case "status": (field, .constant(.string(status)))
                    case "timestamp": (field, .dateTime)
                    default: (field, .nullable("string"))
                    }
                })
        }
        return DescribedOperation(
            path: path, method: "", id: "readHealth",
            summary: "Tells whether the gateway's stores can be read.",
            tag: "Gateway",
            answers: [
                .answer("All is well.", schema(rules.ok)),
                .answer("A store cannot be read.", schema(HealthAnswerConfig.failed), status: 503),
            ])
    }
}

extension JSONValue {
    fileprivate static let message = JSONValue.schema([("msg", .type("string"))])

    /// - Parameter isWanted: false: unchanged.
    fileprivate func orNull(_ isWanted: Bool = true) -> JSONValue {
        isWanted ? .anyOf([self, .type("null")]) : self
    }
}

extension JSONValue.Member {
    /// An answer in JSON.
    fileprivate static func answer(
        _ description: String, _ schema: JSONValue, status: Int = 200
    ) -> JSONValue.Member {
        DescribedOperation.answer(status, description, [("application/json", schema)])
    }
}

extension String {
    /// For a pattern of ECMA-262 that means this text.
    fileprivate var escapedForPattern: String {
        reduce(into: "") { text, character in
            if #"\^$.*+?()[]{}|/-"#.contains(character) { text += "\\" }
            text.append(character)
        }
    }
}
