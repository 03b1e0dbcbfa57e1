/// `upstreams.NAME.key`: what requests go to the upstream with.
public enum UpstreamKeyConfig: Equatable, Sendable {
    /// One for everybody; must be there when the file is loaded.
    case one(TextSource)
    /// `any_of`: several for everybody, by weight; all must be there. Never empty.
    case anyOf([WeightedKeyConfig])
    /// `first_of`: the first of several sources that has one for the caller.
    case chain(KeyChainConfig)

    /// Of `any_of`: as many as one request can tell apart.
    public static let keysMax = 64

    public var chain: KeyChainConfig? { if case .chain(let chain) = self { chain } else { nil } }
}

/// `key_field`: where the key stands in a request.
public enum KeyFieldConfig: String, Equatable, Sendable, CaseIterable {
    /// `Authorization: Bearer KEY`. The default.
    case bearer
    /// `X-Api-Key: KEY`
    case xAPIKey = "x-api-key"
    /// `Api-Key: KEY`
    case apiKey = "api-key"
}

extension KeyFieldConfig {
    /// Lower-case.
    public var fieldName: String {
        switch self {
        case .bearer: "authorization"
        case .xAPIKey: "x-api-key"
        case .apiKey: "api-key"
        }
    }
}

/// One of `any_of`.
public struct WeightedKeyConfig: Equatable, Sendable {
    public var source: TextSource
    /// Its share among the keys, 1 to 1000. Default 1.
    public var weight: Int = 1
}

extension Form where Value == UpstreamKeyConfig {
    static var upstreamKey: Form {
        let mapping = Form<UpstreamKeyConfig>.mapping(UpstreamKeyConfig.init(_:))
        let literal = Form<TextSource>.literalKey
        return Form(
            schema: .anyOf([literal.schema(), mapping.schema()]), standIn: .one(.literal(""))
        ) { (place) throws(Noted) in
            if case .mapping = place.node.kind { return try mapping.read(place) }
            return .one(try literal.read(place))
        }
    }
}

extension UpstreamKeyConfig {
    fileprivate init(_ node: MappingReader) {
        let reference = TextSource.references(node, .environmentName)
        let several = node.optional(
            "any_of", .list(.weightedKey, nonEmpty: true),
            "Several keys, drawn by weight; one that was used too much rests.")
        let chain = KeyChainConfig(node)
        node.requireOne(of: TextSource.referenceKeys + ["any_of", "first_of"])
        if !node.has("first_of") {
            for key in ["remember", "prefix", "min_length"] {
                node.fail(
                    key, "`\(key)` has no effect\(node.path.inside): it is for `first_of`", hint: "remove it")
            }
        }
        self =
            reference.map { .one($0) } ?? several.map { .anyOf($0) } ?? chain.map { .chain($0) }
            ?? .one(.literal(""))
    }
}

extension Form where Value == WeightedKeyConfig {
    /// Text, or a reference with an optional `weight`.
    fileprivate static var weightedKey: Form {
        let mapping = Form<WeightedKeyConfig>.mapping { node in
            let source = TextSource.references(node, .environmentName)
            node.requireOne(of: TextSource.referenceKeys)
            let weight = node.value(
                "weight", .weight, default: "1", "Its share among the keys, 1 to 1000.")
            return WeightedKeyConfig(source: source ?? .literal(""), weight: weight)
        }
        let literal = Form<TextSource>.literalKey
        return Form(
            schema: .anyOf([literal.schema(), mapping.schema()]),
            standIn: WeightedKeyConfig(source: .literal(""))
        ) { (place) throws(Noted) in
            if case .mapping = place.node.kind { return try mapping.read(place) }
            return WeightedKeyConfig(source: try literal.read(place))
        }
    }
}

extension Form where Value == TextSource {
    /// A key that is written out.
    static var literalKey: Form {
        let text = Form<String>.scalar("text", schema: HeaderRules.valueSchema, standIn: "") {
            (scalar) throws(Mismatch) in
            guard scalar.core != .null, !scalar.text.isEmpty, HeaderRules.isValue(scalar.text) else {
                throw Mismatch(
                    text:
                        "must be a key: text without line breaks, or `{env: NAME}`, `{file: path}`, `{credential: name}`",
                    showsFound: false)
            }
            return scalar.text
        }
        return Form(schema: text.schema(), standIn: .literal("")) { (place) throws(Noted) in
            .literal(try text.read(place))
        }
    }
}
