import JSON

/// The members of an action's request, from a JSON object or a form.
struct ActionMembers: Equatable, Sendable {
    /// Members of a body. More is nobody's request.
    static let countMax = 64

    let list: [JSONValue.Member]
    /// Every value is text there.
    let isForm: Bool

    /// Reads a body by its `Content-Type`. A form that begins with `{` is read as JSON, because that is what
    /// `curl -d '{…}'` sends; so is one without a type.
    ///
    /// - Throws: `.invalid` for another type, and for what is not strict JSON (RFC 8259, no member twice) or
    ///   not a strict form (WHATWG URL §5.1, but no invalid escape, nothing but UTF-8, no name twice).
    init(body: [UInt8], contentType: [UInt8]) throws(ActionFailure) {
        let looksLikeJSON = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
        let type = ActionMembers.mediaType(contentType)
        switch type {
        case "application/x-www-form-urlencoded", "": isForm = !looksLikeJSON
        case _ where type == "application/json" || type.hasSuffix("+json"): isForm = false
        case _:
            throw .invalid([
                .body("must be JSON or a form, and Content-Type say so", type: "content_type")
            ])
        }
        list = isForm ? try ActionMembers.form(body) : try ActionMembers.json(body)
        guard list.count <= ActionMembers.countMax else {
            throw .invalid([.body("has more than \(ActionMembers.countMax) members", type: "too_long")])
        }
    }

    /// nil: it is not there, or `null`.
    subscript(name: String) -> JSONValue? {
        guard let value = list.first(where: { $0.key == name })?.value, value != .null else { return nil }
        return value
    }

    /// Lower-case, without parameters.
    private static func mediaType(_ field: [UInt8]) -> String {
        let type = field.prefix { $0 != UInt8(ascii: ";") }
        let trimmed = type.drop { $0 == 0x20 || $0 == 0x09 }.reversed().drop { $0 == 0x20 || $0 == 0x09 }
        return String(decoding: Array(trimmed.reversed()), as: UTF8.self).lowercased()
    }

    private static func json(_ body: [UInt8]) throws(ActionFailure) -> [JSONValue.Member] {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(body, limitBytes: ActionPlan.bodyMax)
        } catch {
            throw .invalid([.body(error.description, type: "json_invalid")])
        }
        guard let members = value.members else {
            throw .invalid([.body("must be a JSON object", type: "json_invalid")])
        }
        return members
    }

    private static func form(_ body: [UInt8]) throws(ActionFailure) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        for pair in body.split(separator: UInt8(ascii: "&")) {
            guard members.count <= countMax else { break }
            let halves = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(halves[0]), let value = decoded(halves.count > 1 ? halves[1] : []) else {
                throw .invalid([.body("is not a form of UTF-8 text", type: "form_invalid")])
            }
            guard !members.contains(where: { $0.key == name }) else {
                throw .invalid([.body("has a name twice", type: "form_invalid")])
            }
            members.append(JSONValue.Member(name, .string(value)))
        }
        return members
    }

    /// nil: an invalid escape, or not UTF-8.
    private static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue),
                    let low = rest.popFirst().flatMap(hexValue)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
