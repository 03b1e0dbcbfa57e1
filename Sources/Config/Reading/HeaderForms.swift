/// What the file may say about header fields.
enum HeaderRules {
    /// Fields that the gateway itself answers for: framing (RFC 9112 §6), hop-by-hop (RFC 9110 §7.6.1) and
    /// `Host`.
    static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// RFC 9110 §5.5, without the blanks at both ends that no receiver sees.
    static func isValue(_ text: String) -> Bool {
        let isBlank = { (byte: UInt8?) in byte == 0x20 || byte == 0x09 }
        guard !isBlank(text.utf8.first), !isBlank(text.utf8.last) else { return false }
        return text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    static let valueWanted = "a header value: no line breaks or control characters, no blanks at its ends"

    /// A value as written; numbers and `true` are text here.
    static func value(_ scalar: Scalar) throws(Mismatch) -> String {
        guard scalar.core != .null else {
            throw Mismatch(text: "must be text", hint: "write `\"\"` for an empty value")
        }
        guard isValue(scalar.text) else { throw Mismatch(text: "must be \(valueWanted)", showsFound: false) }
        return scalar.text
    }

    static var valueSchema: Schema {
        Schema([("type", .array([.string("string"), .string("number"), .string("boolean")]))])
    }

    /// Reads a mapping from field names, in file order; what is wrong with a name is noted.
    static func fields<Value>(
        of place: Place, refusing refused: Set<String>, _ element: Form<Value>
    ) throws(Noted) -> [(name: String, value: Value)] {
        guard case .mapping(let entries) = place.node.kind else {
            throw place.fail("must be a mapping from header names, found \(place.found)")
        }
        var seen: Set<String> = []
        return entries.map { entry in
            let path = ConfigPath.key(place.path, entry.key)
            let name = Place(
                node: Node(.scalar(entry.key, .quoted), span: entry.keySpan), path: path,
                reading: place.reading)
            _ = check(entry.key, at: name, refusing: refused, seen: &seen)
            do throws(Noted) {
                return (
                    entry.key, try element.read(Place(node: entry.value, path: path, reading: place.reading))
                )
            } catch { return (entry.key, element.standIn(path)) }
        }
    }

    static func check(_ name: String, at place: Place, refusing refused: Set<String>, seen: inout Set<String>)
        -> Noted?
    {
        guard ASCII.isToken(name) else { return place.fail("is not a header name (RFC 9110 §5.1)") }
        let lower = ASCII.lowercased(name)
        if refused.contains(lower) {
            return place.fail("names a field that the gateway itself sets", hint: reason(lower))
        }
        guard seen.insert(lower).inserted else { return place.fail("names \(Quoting.quoted(name)) twice") }
        return nil
    }

    private static func reason(_ name: String) -> String {
        name == "host"
            ? "see `preserve_host` of the upstream" : "framing and hop-by-hop fields cannot be edited"
    }
}

extension Form where Value == [HeaderMatchConfig] {
    /// `{ x-tier: gold, x-beta: true }`: `true` matches any value.
    static var headerMatches: Form {
        let wanted = "text, or `true` for any value"
        let element = Form<String?>.scalar(wanted, schema: HeaderRules.valueSchema, standIn: nil) {
            (scalar) throws(Mismatch) in
            if scalar.core == .bool(true) { return nil }
            if scalar.core == .bool(false) {
                throw Mismatch(
                    text: "must be \(wanted)",
                    hint: "a missing header cannot be matched; quote it if it is text")
            }
            return try HeaderRules.value(scalar)
        }
        return Form(schema: Schema.fields(element.schema()), standIn: []) {
            (place) throws(Noted) in
            try HeaderRules.fields(of: place, refusing: [], element).map {
                HeaderMatchConfig(name: ASCII.lowercased($0.name), value: $0.value)
            }
        }
    }
}

extension Form where Value == [HeaderEditsConfig.Assignment] {
    static var headerAssignments: Form {
        let element = Form<TextSource>.textSource
        return Form(schema: Schema.fields(element.schema()), standIn: []) {
            (place) throws(Noted) in
            try HeaderRules.fields(of: place, refusing: HeaderRules.reserved, element).map {
                HeaderEditsConfig.Assignment(name: $0.name, value: $0.value)
            }
        }
    }
}

extension Form where Value == [String] {
    static var headerRemovals: Form { headerNames(refusing: HeaderRules.reserved) }

    /// Names of fields, each once.
    static func headerNames(refusing refused: Set<String>) -> Form {
        let names = Form<[String]>.list(.text("a header name") { $0 })
        return Form(schema: names.schema(), standIn: []) { (place) throws(Noted) in
            let list = try names.read(place)
            guard case .sequence(let items) = place.node.kind else { return list }
            var seen: Set<String> = []
            for (index, name) in list.enumerated() where !name.isEmpty {
                let entry = Place(node: items[index], path: .index(place.path, index), reading: place.reading)
                _ = HeaderRules.check(name, at: entry, refusing: refused, seen: &seen)
            }
            return list
        }
    }
}

extension Schema {
    /// A mapping from header names.
    static func fields(_ element: Schema) -> Schema {
        Schema([("type", .string("object")), ("additionalProperties", element.json)])
    }
}
