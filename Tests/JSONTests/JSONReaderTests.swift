import Testing

@testable import JSON

/// Every event of a text, in words; an error ends it.
private func events(_ bytes: [UInt8], depthLimit: Int = JSONValue.depthMax) -> [String] {
    bytes.withUnsafeBytes { bytes in
        var reader = JSONReader(bytes, depthLimit: depthLimit)
        var words: [String] = []
        do throws(JSONError) {
            while true {
                let event = try reader.next()
                words.append(word(event, reader))
                if event == .end { return words }
            }
        } catch {
            return words + ["\(error.reason)@\(error.offset)"]
        }
    }
}

private func word(_ event: JSONEvent, _ reader: JSONReader) -> String {
    switch event {
    case .beginObject: "{"
    case .endObject: "}"
    case .beginArray: "["
    case .endArray: "]"
    case .key(let key): "\(reader.text(key)):"
    case .string(let text): "\"\(reader.text(text))\""
    case .number(let range, let isInteger): (isInteger ? "int " : "num ") + reader.raw(range)
    case .bool(let flag): "\(flag)"
    case .null: "null"
    case .end: "."
    }
}

private func events(_ text: String) -> [String] { events(Array(text.utf8)) }

@Test(arguments: [
    ("{}", ["{", "}", "."]), ("[]", ["[", "]", "."]), (" \t\r\n[ ]\n", ["[", "]", "."]),
    ("null", ["null", "."]), ("true", ["true", "."]), ("false", ["false", "."]), (#""""#, [#""""#, "."]),
    ("[1,2]", ["[", "int 1", "int 2", "]", "."]),
    (#"{"a":{"b":[]},"c":null}"#, ["{", "a:", "{", "b:", "[", "]", "}", "c:", "null", "}", "."]),
    ("[[],{},[[]]]", ["[", "[", "]", "{", "}", "[", "[", "]", "]", "]", "."]),
    (#" { "a" : 1 , "" : [ true ] } "#, ["{", "a:", "int 1", ":", "[", "true", "]", "}", "."]),
])
func `a text comes as its events`(text: String, expected: [String]) {
    #expect(events(text) == expected)
}

@Test(arguments: [
    "0", "-0", "1", "-1", "10", "9223372036854775807", "123456789012345678901234567890",
])
func `integers are numbers without fraction and exponent`(text: String) {
    #expect(events(text) == ["int \(text)", "."])
}

@Test(arguments: ["0.0", "-0.5", "1e5", "1E5", "1e+5", "1e-05", "1.25e10", "0e0", "10.01", "-0.0e-0"])
func `other numbers come as written`(text: String) {
    #expect(events(text) == ["num \(text)", "."])
}

@Test(arguments: [
    ("-", 1), ("01", 1), ("-01", 2), ("1.", 2), ("1.e5", 2), ("1e", 2), ("1e+", 3), ("1.5.5", 3), ("1x", 1),
    ("1-", 1), ("0x1F", 1), ("-a", 1), ("1e5e5", 3), ("00", 1), ("1.5E", 4), ("--1", 1), ("-Infinity", 1),
])
func `numbers are strict`(text: String, offset: Int) {
    #expect(events(text) == ["number@\(offset)"])
    #expect(events("[\(text)]").last == "number@\(offset + 1)")
}

@Test(arguments: [
    ("", 0), (" ", 1), ("{", 1), ("[", 1), ("}", 0), ("]", 0), (",", 0), (":", 0), ("[1", 2), ("[1,", 3),
    ("[,1]", 1), ("[1,]", 3), ("[1 2]", 3), ("[1}", 2), (#"{"a"}"#, 4), (#"{"a":}"#, 5), (#"{"a":1,}"#, 7),
    (#"{"a":1]"#, 6), (#"{"a" 1}"#, 5), (#"{"a"::1}"#, 5), (#"{,}"#, 1), ("{a:1}", 1), ("{1:1}", 1),
    ("{'a':1}", 1), (#"{"a":1 "b":2}"#, 7), ("tru", 3), ("nulL", 3), ("True", 0), ("fals", 4), ("NaN", 0),
    ("Infinity", 0), ("+1", 0), (".5", 0), ("// x\n1", 0), ("/**/1", 0), ("[1]]", -1), ("undefined", 0),
    (#"{"a":1,"b"}"#, 10), (#"[1:2]"#, 2), (#"{"a":1:2}"#, 6), ("\u{FEFF}1", 0), ("\u{0C}1", 0),
    ("\u{A0}1", 0), ("[\u{0B}]", 1), (#"["a]"#, -2), ("\0", 0),
])
func `what is not JSON is refused where it shows`(text: String, offset: Int) {
    switch offset {
    case -1: #expect(events(text).last == "trailing@\(text.utf8.count - 1)")
    case -2: #expect(events(text).last == "string@\(text.utf8.count)")
    default: #expect(events(text).last == "syntax@\(offset)")
    }
}

@Test(arguments: [("1 2", 2), ("{}{}", 2), ("null,", 4), ("[] x", 3), ("\"\"\"\"", 2), ("true\0", 4)])
func `text behind the value is refused`(text: String, offset: Int) {
    #expect(events(text).last == "trailing@\(offset)")
}

@Test(arguments: [
    (#""a\"b\\c\/d""#, #"a"b\c/d"#), (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9""#, "Aé"),
    (#""\u20AC\u20ac""#, "€€"), (#""\uD83D\uDE00""#, "😀"),
    (#""\ud800\udc00\uDBFF\uDFFF""#, "\u{10000}\u{10FFFF}"),
    (#""\u0000\u007f\u0080\u07ff\u0800\uffff""#, "\0\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}"),
    (#""é€😀\u00e9""#, "é€😀é"), ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"), (#""\\u0041""#, #"\u0041"#),
    (#""\ud7ff\ue000""#, "\u{D7FF}\u{E000}"),
])
func `escapes become their text`(text: String, expected: String) {
    #expect(events(text) == ["\"\(expected)\"", "."])
    #expect(events("{\(text):0}") == ["{", "\(expected):", "int 0", "}", "."])
}

@Test(arguments: [
    (#"""#, 1), (#""a"#, 2), (#""\"#, 2), (#""\""#, 3), (#""\x""#, 2), (#""\a""#, 2), (#""\'""#, 2),
    (#""\U0041""#, 2), (#""\u""#, 3), (#""\u12""#, 5), (#""\u123""#, 6), (#""\u123g""#, 6), (#""\u 123""#, 3),
    (#""\u+123""#, 3), (#""\ud800""#, 1), (#""\ud800x""#, 1), (#""\ud800\n""#, 1), (#""\ud800\u0041""#, 1),
    (#""\ud800\ud800""#, 1), (#""\udc00""#, 1), (#""a\udfff\ud800""#, 2), (#""\ud800\u""#, 9),
    ("\"\n\"", 1), ("\"\t\"", 1), ("\"\0\"", 1), ("\"\u{1F}\"", 1), ("\"a\r\"", 2),
])
func `strings are strict`(text: String, offset: Int) {
    #expect(events(text) == ["string@\(offset)"])
}

@Test func `every control character in a string is refused and every other ASCII character is not`() {
    for byte in UInt8(0)..<0x80 where byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
        let found = events([UInt8(ascii: "\""), byte, UInt8(ascii: "\"")])
        let text = String(UnicodeScalar(byte))
        #expect(found == (byte < 0x20 ? ["string@1"] : ["\"\(text)\"", "."]))
    }
}

@Test(arguments: [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
    [0xE1, 0x80], [0xE1, 0x41, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
    [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80], [0xF0, 0x90, 0x80, 0x41],
    [0xF0, 0x90, 0x41, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE],
    [0xC2, 0xC2], [0xE2, 0x82], [0xF0], [0xE0], [0xED], [0xF4],
])
func `octets that are no UTF-8 are refused`(octets: [UInt8]) {
    #expect(events([UInt8(ascii: "\"")] + octets + [UInt8(ascii: "\"")]) == ["utf8@1"])
    #expect(events([UInt8(ascii: "\"")] + octets) == ["utf8@1"])
    #expect(events(octets).last == "syntax@0")
}

@Test func `UTF-8 is judged as the standard library judges it`() {
    // Every lead octet with octets at the limits of each range behind it.
    let limits: [UInt8] = [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0]
    for lead in UInt8(0x80)...0xFF {
        for a in limits {
            for b in limits {
                for octets in [[lead], [lead, a], [lead, a, b], [lead, a, b, 0x80], [lead, a, b, 0xC0]] {
                    let isValid = String(validating: octets, as: UTF8.self) != nil
                    let found = events([0x22] + octets + [0x22])
                    #expect((found.last == ".") == isValid, "\(octets)")
                }
            }
        }
    }
}

@Test func `depth is bounded`() {
    for (limit, isObject) in [(1, false), (1, true), (32, false), (32, true), (64, false), (100, true)] {
        let levels = min(limit, JSONReader.depthMax)
        let opening = Array((isObject ? #"{"a":"# : "[").utf8)
        let closing = Array((isObject ? "}" : "]").utf8)
        func nested(_ count: Int) -> [UInt8] {
            Array(repeatElement(opening, count: count).joined()) + Array("1".utf8)
                + Array(repeatElement(closing, count: count).joined())
        }
        #expect(events(nested(levels), depthLimit: limit).last == ".")
        #expect(
            events(nested(levels + 1), depthLimit: limit).last == "depth@\(levels * opening.count)")
    }
}

@Test func `a container knows its kind at every depth`() {
    let text = #"[{"a":[{"b":[[{}],1]},2]},3]"#
    #expect(events(text).last == ".")
    #expect(events(text.replacing("]},2", with: "}],2")).last == "syntax@19")
}

@Test func `every beginning of a text is refused and never trapped on`() {
    let text = Array(#"{"a":[1,-2.5e3,"\ud83d\ude00é",true,false,null,{"b":{}}]} "#.utf8)
    #expect(events(text).last == ".")
    #expect(events(Array(text.dropLast())).last == ".")
    for count in 0..<text.count - 1 {
        #expect(events(Array(text[..<count])).last?.contains("@") == true, "\(count)")
    }
}

@Test func `after its end a text has nothing more`() throws {
    try Array("1".utf8).withUnsafeBytes { (bytes) throws in
        var reader = JSONReader(bytes)
        #expect(try reader.next() == .number(0..<1, isInteger: true))
        #expect(try reader.next() == .end)
        #expect(try reader.next() == .end)
    }
}

/// How a member's value is found without building anything.
private func find(_ name: StaticString, in text: String) throws -> String? {
    try Array(text.utf8).withUnsafeBytes { (bytes) throws in
        var reader = JSONReader(bytes)
        guard try reader.next() == .beginObject else { return nil }
        while case .key(let key) = try reader.next() {
            let isWanted = reader.isEqual(key, name)
            let value = try reader.skipValue()
            if isWanted { return reader.raw(value) }
        }
        return nil
    }
}

@Test(arguments: [
    (#"{"model":"gpt"}"#, #""gpt""#), (#"{"messages":[{"model":"no"}], "model" : [1, {}] }"#, "[1, {}]"),
    (#"{"mod":1,"models":2,"\u006dodel":-1.5e3,"x":0}"#, "-1.5e3"), (#"{"model":{}}"#, "{}"),
    (#"{"model": true }"#, "true"), (#"{"messages":[]}"#, nil), ("[]", nil), ("3", nil),
    (#"{"":1,"model":null}"#, "null"),
])
func `a member's value is found by offsets`(text: String, expected: String?) throws {
    #expect(try find("model", in: text) == expected)
}

@Test(arguments: ["{\"model\":}", "{\"model\":[1}", "{\"x\":[}", "{\"model\"", "{\"model\":"])
func `a value that is none cannot be skipped`(text: String) {
    #expect(throws: JSONError.self) { _ = try find("model", in: text) }
}

@Test func `nothing but the end is no value to skip`() throws {
    try Array("1 ".utf8).withUnsafeBytes { (bytes) throws in
        var reader = JSONReader(bytes)
        #expect(try reader.skipValue() == 0..<1)
        #expect(throws: JSONError(.syntax, offset: 2)) { _ = try reader.skipValue() }
    }
}

@Test(arguments: [
    (#""é""#, true), (#""\u00e9""#, true), (#""e\u0301""#, false), (#""é ""#, false), (#""""#, false),
    (#""\u00E8""#, false),
])
func `names are compared octet by octet, escapes resolved`(text: String, expected: Bool) throws {
    try Array(text.utf8).withUnsafeBytes { (bytes) throws in
        var reader = JSONReader(bytes)
        guard case .string(let string) = try reader.next() else {
            Issue.record("no string")
            return
        }
        #expect(reader.isEqual(string, "é") == expected)
        #expect(string.hasEscapes == text.contains("\\"))
    }
}
