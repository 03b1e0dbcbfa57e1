/// Reads the keys of one mapping, or describes them: the same initializer, run without a mapping, is the
/// schema.
///
/// Reads never throw: they note a diagnostic and return a stand-in, so that one run shows every problem.
final class MappingReader {
    /// A default as the file would write it; read by the key's own form.
    enum Default: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
        case scalar(String)
        case list([String])
        init(stringLiteral text: String) { self = .scalar(text) }
        init(arrayLiteral items: String...) { self = .list(items) }

        var node: Node {
            switch self {
            case .scalar(let text): Node(.scalar(text, .plain), span: .start)
            case .list(let items):
                Node(.sequence(items.map { Node(.scalar($0, .plain), span: .start) }), span: .start)
            }
        }
    }

    /// What a run without a mapping leaves behind.
    struct Description {
        var keys: [(name: String, schema: Schema)] = []
        var required: [String] = []
        var exclusive: [[String]] = []
        var alternatives: [[String]] = []
        func property(_ name: String) -> Schema? { keys.first { $0.name == name }?.schema }
    }

    private let entries: [Node.Entry]
    /// Positions of the entries by key, made when there are many.
    private let positions: [String: Int]?
    /// nil: describing.
    private let place: Place?
    let path: ConfigPath
    private var known: [String] = []
    /// What to say of some keys that are unknown here. Set once, by the grammar.
    var unknownKeyHint: (String) -> String? = { _ in nil }
    private(set) var description = Description()

    init(_ entries: [Node.Entry], at place: Place) {
        self.entries = entries
        // Why: every key of the grammar is looked up several times, however many there are in the file.
        let pairs = entries.count <= 16 ? nil : entries.enumerated().map { ($0.element.key, $0.offset) }
        positions = pairs.map { Dictionary($0, uniquingKeysWith: { first, _ in first }) }
        self.place = place
        path = place.path
    }

    private init(describingAt path: ConfigPath) {
        entries = []
        positions = nil
        place = nil
        self.path = path
    }

    static func describe<Value>(_ make: (MappingReader) -> Value) -> Description {
        let reader = MappingReader(describingAt: .root)
        _ = make(reader)
        return reader.description
    }

    /// What an empty mapping gives: every default.
    static func standIn<Value>(_ make: (MappingReader) -> Value, at path: ConfigPath) -> Value {
        let reading = Reading(source: SourceText(file: "", bytes: []), root: nil, environment: { _ in nil })
        return make(
            MappingReader([], at: Place(node: Node(.mapping([]), span: .start), path: path, reading: reading))
        )
    }

    /// The name under which this mapping stands; empty for a list entry.
    var name: String { path.name ?? "" }

    /// The position of this mapping in its list.
    var index: Int { if case .index(_, let index) = path { index } else { 0 } }

    func required<Value>(_ key: String, _ form: Form<Value>, _ about: String) -> Value {
        declare(key, form, about, default: nil)
        guard let place else {
            description.required.append(key)
            return form.standIn(path)
        }
        if let value = read(key, form) { return value }
        if entry(key) == nil { noteMissing(key, place) }
        return form.standIn(.key(path, key))
    }

    func optional<Value>(_ key: String, _ form: Form<Value>, _ about: String) -> Value? {
        declare(key, form, about, default: nil)
        return read(key, form)
    }

    /// What decides how the rest is read: nil where it is missing or wrong, which has been noted.
    func deciding<Value>(_ key: String, _ form: Form<Value>) -> Value? {
        known.append(key)
        if let place, entry(key) == nil { noteMissing(key, place) }
        return read(key, form)
    }

    /// Keys that are no mistake here, although nothing reads them.
    func know(_ keys: [String]) {
        for key in keys where !known.contains(key) { known.append(key) }
    }

    func value<Value>(_ key: String, _ form: Form<Value>, default text: Default, _ about: String) -> Value {
        declare(key, form, about, default: text)
        return read(key, form) ?? written(text, form, key)
    }

    /// A mapping whose keys all have defaults: absent means all of them.
    func group<Value>(_ key: String, _ form: Form<Value>, _ about: String) -> Value {
        declare(key, form, about, default: nil)
        return read(key, form) ?? form.standIn(.key(path, key))
    }

    /// Exactly one of the keys must be there.
    func requireOne(of keys: [String]) {
        guard let place else { return description.exclusive.append(keys) }
        let present = keys.compactMap { entry($0) }
        let list = keys.map { "`\($0)`" }.joined(separator: " or ")
        if present.isEmpty {
            let message = "\(list) is missing\(path.inside)"
            place.reading.note(.error, message, at: keySpan, path: path)
        } else if present.count > 1 {
            let message = "only one of \(list) can stand\(path.inside)"
            place.reading.note(.error, message, at: present[1].keySpan, path: .key(path, present[1].key))
        }
    }

    /// At least one of the keys must be there.
    /// - Parameter isTold: that none is there is told by another message.
    func requireAny(of keys: [String], unless isTold: Bool = false) {
        guard let place else { return description.alternatives.append(keys) }
        guard !isTold, !keys.contains(where: { entry($0) != nil }) else { return }
        let list = keys.map { "`\($0)`" }.joined(separator: ", ")
        place.reading.note(
            .error, "`\(path.text)` requires at least one of \(list)", at: keySpan, path: path)
    }

    func has(_ key: String) -> Bool { entry(key) != nil }

    func has(where isWanted: (String) -> Bool) -> Bool { entries.contains { isWanted($0.key) } }

    /// Whether the key was read without an error, so that its value is no stand-in.
    func isSound(_ key: String) -> Bool { place?.reading.isSound(.key(path, key)) ?? true }

    /// A problem of one key beside others; not noted while describing.
    func fail(_ key: String, _ message: String, hint: String? = nil) {
        guard let place, let entry = entry(key) else { return }
        place.reading.note(.error, message, hint: hint, at: entry.keySpan, path: .key(path, key))
    }

    func warn(_ key: String, _ message: String, hint: String? = nil) {
        guard let place, let entry = entry(key) else { return }
        place.reading.note(.warning, message, hint: hint, at: entry.keySpan, path: .key(path, key))
    }

    /// - Parameter owner: says where a key belongs that is unknown here, such as "`mode: jwt`".
    func rejectUnknownKeys(owner: (String) -> String? = { _ in nil }) {
        guard let place else { return }
        let missing = known.filter { !has($0) }
        for entry in entries where !known.contains(entry.key) {
            // Why leave: a guess at what was meant costs more than all else, and nobody would see it.
            if place.reading.isFull { return }
            let hint =
                owner(entry.key).map { "\(Quoting.quoted(entry.key)) belongs to \($0)" }
                ?? unknownKeyHint(entry.key) ?? Suggestion.hint(for: entry.key, among: missing)
                ?? Suggestion.nearest(to: entry.key, among: known).map { "`\($0)` is there already" }
            let message = "unknown key \(Quoting.quoted(entry.key))\(path.inside)"
            place.reading.note(
                .error, message, hint: hint ?? "known keys: \(known.joined(separator: ", "))",
                at: entry.keySpan,
                path: .key(path, entry.key))
        }
    }

    private var keySpan: Span {
        guard let place else { return .start }
        return place.reading.keySpan(of: path)
    }

    private func entry(_ key: String) -> Node.Entry? {
        if let positions { return positions[key].map { entries[$0] } }
        return entries.first { $0.key == key }
    }

    private func read<Value>(_ key: String, _ form: Form<Value>) -> Value? {
        guard let place, let entry = entry(key) else { return nil }
        do throws(Noted) {
            let isShort = isShortList(entry)
            return try form.read(
                Place(
                    node: entry.value, path: .key(path, key), reading: place.reading,
                    writtenPath: isShort ? path : nil))
        } catch { return nil }
    }

    /// A list stands in place of this mapping. Why it alone: who wrote it meant no value of that key.
    private func isShortList(_ entry: Node.Entry) -> Bool {
        guard case .sequence = entry.value.kind else { return false }
        return entry.keySpan == entry.value.span
    }

    /// The default through the key's own form, so that the schema shows what is really used.
    private func written<Value>(_ text: Default, _ form: Form<Value>, _ key: String) -> Value {
        do throws(Noted) {
            guard let place else { return form.standIn(path) }
            return try form.read(Place(node: text.node, path: .key(path, key), reading: place.reading.silent))
        } catch {
            preconditionFailure("the default of `\(key)` is not what its own form reads")
        }
    }

    private func declare<Value>(_ key: String, _ form: Form<Value>, _ about: String, default text: Default?) {
        known.append(key)
        guard place == nil else { return }
        var schema = form.schema().with("description", .string(about))
        if let text { schema = schema.with("default", text.json) }
        description.keys.append((key, schema))
    }

    private func noteMissing(_ key: String, _ place: Place) {
        let near = Suggestion.nearest(to: key, among: entries.lazy.map(\.key).filter { $0 != key })
        let hint = near.map { "did you mean `\(key)` by \(Quoting.quoted($0))?" }
        place.reading.note(.error, "`\(key)` is missing\(path.inside)", hint: hint, at: keySpan, path: path)
    }
}

extension MappingReader.Default {
    var json: JSONText {
        switch self {
        case .list(let items): .array(items.map { .string($0) })
        case .scalar(let text):
            switch CoreScalar(text) {
            case .bool(let value): .bool(value)
            case .integer(let digits): .number(digits)
            case .null, .float, .unrepresentable, .text: .string(text)
            }
        }
    }
}

extension MappingReader.Description {
    /// `additionalProperties: false`: an editor refuses what the gateway refuses.
    var schema: Schema {
        var schema = Schema([
            ("type", .string("object")),
            ("properties", .object(keys.map { ($0.name, $0.schema.json) })),
            ("additionalProperties", .bool(false)),
        ])
        if !required.isEmpty { schema = schema.with("required", .array(required.map { .string($0) })) }
        for keys in exclusive {
            let choices = keys.map { JSONText.object([("required", .array([.string($0)]))]) }
            schema = schema.with("oneOf", .array(choices))
        }
        for keys in alternatives {
            let choices = keys.map { JSONText.object([("required", .array([.string($0)]))]) }
            schema = schema.with("anyOf", .array(choices))
        }
        return schema
    }
}
