/// A diagnostic has been noted; the caller goes on with a stand-in.
struct Noted: Error {}

/// Why a scalar is not what its key wants.
struct Mismatch: Error {
    /// "must be a duration such as `30s`": follows the key path.
    let text: String
    var hint: String?
    /// Whether the hint says nothing of the value, and may stand beside one that is not shown.
    var isHintFixed = false
    /// Whether ", found …" follows.
    var showsFound = true
}

/// A scalar after `${…}`.
struct Scalar {
    let text: String
    /// Typed by its looks: written plain, or made from variables.
    let isPlain: Bool

    /// What it is in YAML's core schema: quoted text is text.
    var core: CoreScalar { isPlain ? CoreScalar(text) : .text }
}

/// A value of the tree together with where it stands and whom to tell.
struct Place {
    let node: Node
    let path: ConfigPath
    let reading: Reading
    /// The key that the file has, where a value stands for a mapping of one.
    var writtenPath: ConfigPath?

    func fail(_ text: String, hint: String? = nil) -> Noted {
        let written = (writtenPath ?? path).text
        reading.note(.error, "`\(written)` \(text)", hint: hint, at: node.span, path: path)
        return Noted()
    }

    func fail(_ mismatch: Mismatch) -> Noted {
        // Why without the hint: it is made from the value, and what is a secret or a variable's value is
        // never printed.
        let isHidden = reading.usesVariable(node) || reading.mustHide(node)
        let hint = isHidden && !mismatch.isHintFixed ? nil : mismatch.hint
        return fail(mismatch.text + (mismatch.showsFound ? ", found \(found)" : ""), hint: hint)
    }

    /// The scalar here, `${…}` filled in. `wanted` completes "must be …" for a list or a mapping.
    func scalar(wanted: String) throws(Noted) -> Scalar {
        guard case .scalar(let text, let style) = node.kind else {
            throw fail("must be \(wanted), found \(node.kindName)")
        }
        do {
            let expansion = try Expansion.expand(text, environment: reading.environment)
            return Scalar(text: expansion.text, isPlain: style == .plain || expansion.usedVariable)
        } catch {
            reading.note(
                .error, "\(error.message), in `\(path.text)`", hint: error.hint, at: node.span, path: path)
            throw Noted()
        }
    }

    /// The mapping here. `shortFor`: a value that is no mapping is read as if it stood at that key.
    func mapping(shortFor key: String? = nil) throws(Noted) -> MappingReader {
        if case .mapping(let entries) = node.kind { return MappingReader(entries, at: self) }
        guard let key else { throw fail("must be a mapping, found \(found)") }
        let entry = Node.Entry(key: key, keySpan: node.span, value: node)
        let whole = Place(node: Node(.mapping([entry]), span: node.span), path: path, reading: reading)
        return MappingReader([entry], at: whole)
    }

    /// Whether the scalar here is this word, without telling anybody if it is not.
    func isWord(_ word: String) -> Bool {
        guard case .scalar(let text, _) = node.kind else { return false }
        do throws(Expansion.Problem) {
            return try Expansion.expand(text, environment: reading.environment).text == word
        } catch { return false }
    }

    /// What stands here, as a message may show it.
    var found: String {
        guard case .scalar(let text, let style) = node.kind else { return node.kindName }
        if reading.usesVariable(node) { return "a value made from `${…}`" }
        if reading.mustHide(node) { return "a value that is not shown" }
        if style == .plain, CoreScalar(text) == .null { return "nothing" }
        return style == .plain ? Quoting.quoted(text) : "the text \(Quoting.quoted(text))"
    }
}
