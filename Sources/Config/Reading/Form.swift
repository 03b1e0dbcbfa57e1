/// How a value is written in the file: one declaration reads it and describes it in the JSON Schema.
struct Form<Value> {
    /// JSON Schema of the value, without description and default. A closure, so that reading never pays for
    /// it.
    let schema: () -> Schema
    /// Stands for a value that could not be read; errors keep it from being used.
    let standIn: (ConfigPath) -> Value
    /// Throws after it has noted why.
    let read: (Place) throws(Noted) -> Value
}

extension Form {
    /// With a stand-in that does not depend on where the value stands.
    init(
        schema: @escaping @autoclosure () -> Schema, standIn: @escaping @autoclosure () -> Value,
        read: @escaping (Place) throws(Noted) -> Value
    ) {
        self.init(schema: schema, standIn: { _ in standIn() }, read: read)
    }

    /// A scalar of one grammar. `wanted` completes "must be …".
    static func scalar(
        _ wanted: String, schema: @escaping @autoclosure () -> Schema,
        standIn: @escaping @autoclosure () -> Value,
        parse: @escaping (Scalar) throws(Mismatch) -> Value
    ) -> Form {
        Form(schema: Schema.orExpansion(schema()), standIn: standIn()) { (place) throws(Noted) in
            let scalar = try place.scalar(wanted: wanted)
            do throws(Mismatch) { return try parse(scalar) } catch { throw place.fail(error) }
        }
    }

    /// A value, or one word that stands for none of it, such as `off`.
    static func orWord<Inner>(_ word: String, _ inner: Form<Inner>) -> Form where Value == Inner? {
        Form(schema: Schema.anyOf([.constant(word), inner.schema()]), standIn: nil) {
            (place) throws(Noted) in
            if place.isWord(word) { return nil }
            if word == "off", place.isWord("false") || place.isWord("no") {
                throw place.fail("cannot be \(place.found)", hint: "write `off`")
            }
            return try inner.read(place)
        }
    }

    static func orOff<Inner>(_ inner: Form<Inner>) -> Form where Value == Inner? { orWord("off", inner) }

    /// A mapping of fixed keys, read by an initializer that is its grammar. `shortFor`: a value that is no
    /// mapping is read as if it stood at that key.
    static func mapping(shortFor key: String? = nil, _ make: @escaping (MappingReader) -> Value) -> Form {
        Form(
            schema: {
                let description = MappingReader.describe(make)
                guard let key, let short = description.property(key) else { return description.schema }
                return .anyOf([short, description.schema])
            },
            standIn: { MappingReader.standIn(make, at: $0) },
            read: { (place) throws(Noted) in
                let reader = try place.mapping(shortFor: key)
                let value = make(reader)
                reader.rejectUnknownKeys()
                return value
            })
    }

    /// A mapping from names of the user's choice, in file order.
    static func named<Element>(
        _ element: Form<Element>, max: Int = 10_000, names: NameRule = .entries
    ) -> Form<[Element]>
    where Value == [Element] {
        Form<[Element]>(schema: .named(element.schema(), pattern: names.pattern), standIn: []) {
            (place) throws(Noted) in
            guard case .mapping(let entries) = place.node.kind else {
                throw place.fail("must be a mapping from names, found \(place.found)")
            }
            guard entries.count <= max else { throw place.fail("may have at most \(max) entries") }
            return entries.map { entry in
                let path = ConfigPath.key(place.path, entry.key)
                if !names.isValid(entry.key) {
                    let text = "name \(Quoting.quoted(entry.key)) in \(place.path.text) must be \(names.text)"
                    place.reading.note(.error, text, at: entry.keySpan, path: path)
                }
                if place.reading.isFull { return element.standIn(path) }
                // Why not throw: the entry is defined, whatever is wrong with it.
                do throws(Noted) {
                    return try element.read(Place(node: entry.value, path: path, reading: place.reading))
                } catch { return element.standIn(path) }
            }
        }
    }

    static func list<Element>(_ element: Form<Element>, nonEmpty: Bool = false) -> Form<[Element]>
    where Value == [Element] {
        Form<[Element]>(schema: .list(element.schema(), nonEmpty: nonEmpty), standIn: []) {
            (place) throws(Noted) in
            guard case .sequence(let items) = place.node.kind else {
                throw place.fail(
                    "must be a list, found \(place.found)", hint: "write `[a, b]` or one `- a` per line")
            }
            if nonEmpty, items.isEmpty { throw place.fail("must not be empty") }
            return items.enumerated().map { index, item in
                let path = ConfigPath.index(place.path, index)
                if place.reading.isFull { return element.standIn(path) }
                do throws(Noted) {
                    return try element.read(Place(node: item, path: path, reading: place.reading))
                } catch { return element.standIn(path) }
            }
        }
    }

    /// One value, or a list, of at least one unless told otherwise.
    static func oneOrList<Element>(_ element: Form<Element>, nonEmpty: Bool = true) -> Form<[Element]>
    where Value == [Element] {
        let list = Form<[Element]>.list(element, nonEmpty: nonEmpty)
        return Form<[Element]>(schema: .anyOf([element.schema(), list.schema()]), standIn: []) {
            (place) throws(Noted) in
            if case .sequence = place.node.kind { return try list.read(place) }
            return [try element.read(place)]
        }
    }
}

extension Form {
    /// A list in which nothing stands twice.
    static func distinct<Element: Hashable>(_ list: Form<[Element]>) -> Form where Value == [Element] {
        Form(schema: list.schema, standIn: list.standIn) { (place) throws(Noted) in
            let elements = try list.read(place)
            // Why only then: what could not be read is there as a stand-in, and stand-ins are alike.
            guard place.reading.isSound(place.path), case .sequence(let items) = place.node.kind else {
                return elements
            }
            var seen: Set<Element> = []
            for (index, element) in elements.enumerated() where !seen.insert(element).inserted {
                let path = ConfigPath.index(place.path, index)
                _ = Place(node: items[index], path: path, reading: place.reading).fail("is listed twice")
            }
            return elements
        }
    }
}

/// What names of the user's choice may be.
struct NameRule: Sendable {
    /// Completes "must be …".
    let text: String
    let pattern: String
    let isValid: @Sendable (String) -> Bool

    /// Of listeners, auth entries, limits and upstreams.
    static let entries = NameRule(
        text: "1 to 64 letters, digits, `-`, `_` or `.`, the first a letter or digit",
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
    ) { name in
        guard let first = name.utf8.first, ASCII.isLetterOrDigit(first), name.utf8.count <= 64 else {
            return false
        }
        return name.utf8.allSatisfy { ASCII.isLetterOrDigit($0) || "-_.".utf8.contains($0) }
    }
}
