/// `auth.NAME.secret` of `mode: jwt`: what tokens are signed with, and whether a missing file is made.
struct SigningSecretConfig: Equatable, Sendable {
    static let bytesMin = 32

    var source: TextSource
    /// `create: true`: a `file` that is missing is made, with 32 random bytes in hex. Default false.
    var isCreated = false
}

extension Form where Value == SigningSecretConfig {
    static var signingSecret: Form {
        let plain = Form<TextSource>.secret("at least \(SigningSecretConfig.bytesMin) bytes long") {
            $0.utf8.count >= SigningSecretConfig.bytesMin
        }
        let reference = Form<SigningSecretConfig>.mapping(SigningSecretConfig.init)
        return Form(
            schema: .anyOf([HeaderRules.valueSchema, reference.schema()]),
            standIn: SigningSecretConfig(source: .literal(""))
        ) { (place) throws(Noted) in
            if case .mapping = place.node.kind { return try reference.read(place) }
            return SigningSecretConfig(source: try plain.read(place))
        }
    }
}

extension SigningSecretConfig {
    init(_ node: MappingReader) {
        source = TextSource.references(node, .environmentName) ?? .credential("")
        isCreated = node.value(
            "create", .bool, default: "false",
            "Make the file where it is missing, with a random secret; else that is an error.")
        node.requireOne(of: TextSource.referenceKeys)
        if isCreated, !node.has("file") {
            node.fail(
                "create", "`create` has no effect\(node.path.inside): there is no `file`", hint: "remove it")
        }
    }
}
