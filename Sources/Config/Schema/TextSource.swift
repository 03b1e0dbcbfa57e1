/// Text that may be a secret: written out (after `${…}`), or a typed reference read by the gateway at load.
public enum TextSource: Equatable, Sendable {
    case literal(String)
    /// `{env: NAME}`
    case environment(String)
    /// `{file: path}`: the file's content without one trailing newline. Watched.
    case file(String)
    /// `{credential: name}`: `$CREDENTIALS_DIRECTORY/name` (systemd).
    case credential(String)
}

extension Form where Value == TextSource {
    /// Text, or a reference to where it comes from: `{env: NAME}`, `{file: path}`, `{credential: name}`.
    static var textSource: Form {
        let reference = Form<TextSource>.mapping(readReference)
        let literal = Form<String>.scalar("text", schema: HeaderRules.valueSchema, standIn: "") {
            (scalar) throws(Mismatch) in try HeaderRules.value(scalar)
        }
        return Form(
            schema: .anyOf([literal.schema(), reference.schema()]), standIn: .literal("")
        ) { (place) throws(Noted) in
            if case .mapping = place.node.kind { return try reference.read(place) }
            return .literal(try literal.read(place))
        }
    }

    /// A secret of the gateway itself. What is written out must be `wanted` as `isGood` says; what is read
    /// from elsewhere is checked once it has been.
    static func secret(_ wanted: String, isGood: @escaping (String) -> Bool) -> Form {
        let reference = Form<TextSource>.mapping(readReference)
        let literal = Form<String>.scalar("text", schema: HeaderRules.valueSchema, standIn: "") {
            (scalar) throws(Mismatch) in
            guard scalar.core != .null, isGood(scalar.text) else {
                throw Mismatch(text: "must be \(wanted)", showsFound: false)
            }
            return scalar.text
        }
        return Form(
            schema: .anyOf([literal.schema(), reference.schema()]), standIn: .literal("")
        ) { (place) throws(Noted) in
            if case .mapping = place.node.kind { return try reference.read(place) }
            return .literal(try literal.read(place))
        }
    }

    private static func readReference(_ node: MappingReader) -> TextSource {
        let source = TextSource.references(node, .environmentName)
        node.requireOne(of: TextSource.referenceKeys)
        return source ?? .credential("")
    }
}

extension TextSource {
    /// Keys of which a reference has one.
    static let referenceKeys = ["env", "file", "credential"]

    /// The reference of a mapping that may have other keys besides.
    /// - Parameter variable: how the name of a variable is read.
    /// - Returns: nil: there is none, or it could not be read.
    static func references(_ node: MappingReader, _ variable: Form<String>) -> TextSource? {
        let environment = node.optional(
            "env", variable, "Name of an environment variable that holds the value.")
        let file = node.optional(
            "file", .naming(.filePath), "File that holds the value; one trailing newline is dropped.")
        let credential = node.optional(
            "credential", .naming(.credentialName),
            "Name of a systemd credential (a file in `$CREDENTIALS_DIRECTORY`).")
        if let environment { return .environment(environment) }
        return file.map { .file($0) } ?? credential.map { .credential($0) }
    }
}

extension Form where Value == String {
    /// The name of a variable that may be unset.
    static var variableName: Form {
        .text("the name of an environment variable", pattern: "^[A-Za-z_][A-Za-z0-9_]*$") {
            Expansion.isName($0) ? $0 : nil
        }
    }

    /// A variable that is set. It is looked up here, where its place in the file is known.
    static var environmentName: Form {
        let name = variableName
        return Form(schema: name.schema, standIn: name.standIn) { (place) throws(Noted) in
            let name = try name.read(place)
            guard let value = place.reading.environment(name), !value.isEmpty else {
                let message = "environment variable `\(name)` is not set, wanted by `\(place.path.text)`"
                place.reading.note(
                    .error, message, hint: "set it, or name it in an `env_file`", at: place.node.span,
                    path: place.path)
                throw Noted()
            }
            return name
        }
    }

    /// Why: what names the place of a secret is shown; what was pasted there by mistake must not be.
    static func naming(_ form: Form) -> Form {
        Form(schema: form.schema, standIn: form.standIn) { (place) throws(Noted) in
            guard !place.reading.mustHide(place.node) else {
                throw place.fail("must say where the secret is, found a value that is not shown")
            }
            return try form.read(place)
        }
    }

    static var credentialName: Form {
        .text("the name of a credential: no `/`", pattern: "^[^/]+$") { (text) in
            text.isEmpty || text == "." || text == ".."
                || text.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 } ? nil : text
        }
    }
}
