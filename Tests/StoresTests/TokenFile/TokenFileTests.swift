// Covers TokenFile.swift, TokenFileError.swift
import Testing

@testable import Stores

private let alice = "sk-" + String(repeating: "a1", count: 32)
private let bob = "sk-" + String(repeating: "b2", count: 32)
private let hashed = "sha256:" + lowercaseHex(sha256(Array(bob.utf8)))

/// As the tool of old wrote it, down to the blanks. S0-21
private let old = """
    {
      "\(alice)": {
        "name": "production-web-app",
        "created_at": "2025-11-26T10:30:00.123456",
        "last_used": "2025-11-26T11:45:23.000001",
        "active": true
      },
      "\(bob)": {
        "name": "mobil\\u00e9",
        "created_at": "2025-11-25T15:20:00.000001",
        "last_used": null,
        "active": false
      }
    }
    """

private func read(_ text: String) throws(TokenFileError) -> TokenFile { try TokenFile(Array(text.utf8)) }

@Test func `the file of old is read as it is`() throws {
    let entries = try read(old).entries
    #expect(
        entries == [
            .init(
                key: alice, digest: sha256(Array(alice.utf8)), shownPrefix: "sk-a1a1a1a1a1a1",
                name: "production-web-app", createdAt: "2025-11-26T10:30:00.123456",
                lastUsed: "2025-11-26T11:45:23.000001", isActive: true),
            .init(
                key: bob, digest: sha256(Array(bob.utf8)), shownPrefix: "sk-b2b2b2b2b2b2", name: "mobilé",
                createdAt: "2025-11-25T15:20:00.000001", lastUsed: nil, isActive: false),
        ])
    for entry in entries { #expect((14...16).contains(entry.shownPrefix.count), "S0-15") }
}

@Test func `it is written as it was`() throws {
    #expect(
        String(decoding: try read(old).serialized, as: UTF8.self) == old.replacing("\\u00e9", with: "é")
            + "\n")
}

@Test func `hashed entries stand for the same token`() throws {
    let file = try read(#"{"\#(hashed)": {"name": "b", "active": true, "prefix": "sk-b2b2b2b2b2b2"}}"#)
    #expect(file.entries.map(\.digest) == [sha256(Array(bob.utf8))])
    #expect(file.entries.map(\.shownPrefix) == ["sk-b2b2b2b2b2b2"])
    let upper = "sha256:" + hashed.dropFirst(7).uppercased()
    #expect(try read(#"{"\#(upper)": {}}"#).entries.map(\.digest) == file.entries.map(\.digest))
}

@Test func `what an entry does not say is empty, and it lets nobody in`() throws {
    for entry in [
        "{}", #"{"active": "true"}"#, #"{"active": 1}"#, #"{"active": null}"#,
        #"{"name": 7, "last_used": 7}"#,
    ] {
        let found = try read("{\"\(alice)\": \(entry)}").entries[0]
        #expect(!found.isActive)
        #expect(found.name == "" && found.createdAt == "" && found.lastUsed == nil)
    }
    let bare = try read("{\"\(hashed)\": {}}").entries[0]
    #expect(bare.shownPrefix == String(hashed.prefix(15)))
}

@Test(arguments: [
    ("", "is not JSON"), ("[]", "no JSON object"), ("null", "no JSON object"), ("{\"sk-1\": ", "is not JSON"),
    (#"{"sk-1": true}"#, "an entry that is none (number 1)"), (#"{"a": {}, "b": []}"#, "(number 2)"),
    (#"{"": {}}"#, "an entry that is none (number 1)"), (#"{"sha256:": {}}"#, "(number 1)"),
    (#"{"sha256:abcd": {}}"#, "(number 1)"),
    (#"{"sha256:\#(String(repeating: "x", count: 64))": {}}"#, "(number 1)"),
    (#"{"sk-1": {}, "sk-1": {}}"#, "has a key twice"),
    (#"{"sk-1": {"name": "a", "name": "b"}}"#, "has a key twice"),
    ("{\"\(bob)\": {}, \"\(hashed)\": {}}", "has a token twice (number 2)"), ("\u{FEFF}{}", "is not JSON"),
])
func `what is no token file is said so, without a token`(text: String, expected: String) {
    let error = #expect(throws: TokenFileError.self) { _ = try read(text) }
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("sk-") == false)
}

@Test func `a change keeps order and whatever else is there`() throws {
    var file = try read(
        #"{"sk-one-0000000000": {"x": [1, {"y": 1.50}], "active": true, "name": "1"}, "sk-two": {"z": null}}"#
    )
    _ = file.set("active", .bool(false), at: 0)
    let entry = file.set("last_used", .string("2025-01-01T00:00:00"), at: 1)
    #expect(entry.lastUsed == "2025-01-01T00:00:00")
    #expect(!file.entries[0].isActive && file.entries[1] == entry)
    let expected = """
        {
          "sk-one-0000000000": {
            "x": [
              1,
              {
                "y": 1.50
              }
            ],
            "active": false,
            "name": "1"
          },
          "sk-two": {
            "z": null,
            "last_used": "2025-01-01T00:00:00"
          }
        }

        """
    #expect(String(decoding: file.serialized, as: UTF8.self) == expected)
    #expect(try TokenFile(file.serialized) == file)
    file.remove(at: 0)
    #expect(file.entries == [entry])
    #expect(try TokenFile(file.serialized) == file)
}

@Test func `a new entry is hashed and says how the token begins`() throws {
    var file = TokenFile()
    let entry = try file.append(token: alice, name: "a \"b\"", createdAt: "2025-11-26T10:30:00")
    #expect(entry.key == "sha256:" + lowercaseHex(sha256(Array(alice.utf8))))
    #expect(entry.shownPrefix == "sk-a1a1a1a1a1a1" && entry.isActive && entry.lastUsed == nil)
    let text = String(decoding: file.serialized, as: UTF8.self)
    #expect(!text.contains(alice) && !text.contains(alice.prefix(16)))
    #expect(try read(text) == file)
}

// MARK: C17

private let several = """
    {"sk-aaaa1111aaaa1111aaaa1111": {"name": "one"}, "sk-aaaa2222aaaa2222aaaa2222": {"name": "two"},
     "\(hashed)": {"name": "three", "prefix": "sk-b2b2b2b2b2b2"}}
    """

@Test(arguments: [
    ("sk-aaaa1", 0), ("sk-aaaa1111aa...", 0), ("sk-aaaa2…", 1), ("sk-aaaa2222aaaa2222aaaa2222", 1),
    ("sk-b", 2),
    ("sk-b2b2b2b2b2b2...", 2), (bob, 2), (hashed, 2), (String(hashed.prefix(20)), 2),
    ("sk-aaaa1111aaaa1111aaaa111", 0),
])
func `a prefix finds its token`(prefix: String, index: Int) throws {
    #expect(try read(several).index(ofPrefix: prefix) == index)
}

@Test func `a prefix of several is refused with the list of them`() throws {
    let file = try read(several)
    let matches = ["sk-aaaa1111aa... (one)", "sk-aaaa2222aa... (two)"]
    #expect(throws: TokenFileError.ambiguous(prefix: "sk-aaaa", matches: matches)) {
        _ = try file.index(ofPrefix: "sk-aaaa...")
    }
    let error = #expect(throws: TokenFileError.self) { _ = try file.index(ofPrefix: "sk-") }
    #expect(error?.description.hasPrefix("3 tokens start with 'sk-', say more of one: ") == true)
}

@Test(arguments: ["", "...", "…"])
func `an empty prefix is refused`(prefix: String) throws {
    #expect(throws: TokenFileError.emptyPrefix) { _ = try read(several).index(ofPrefix: prefix) }
    #expect(throws: TokenFileError.emptyPrefix) { _ = try TokenFile().index(ofPrefix: prefix) }
}

@Test(arguments: [
    ("sk-c", "sk-c"), ("SK-aaaa1", "SK-aaaa1"), ("k-aaaa", "k-aaaa"), (" sk-b", " sk-b"),
    ("sha256:00", "sha256:00"),
    (bob + "0", "sk-b2b2b2b2b2b2..."), ("sk-b2b2b2b2b2b2b", "sk-b2b2b2b2b2b2b"),
    ("sk-aaaa1111aaaa1111aaaa11112", "sk-aaaa1111aaaa..."),
])
func `a prefix of nothing is not found, and a whole token is not repeated`(prefix: String, shown: String)
    throws
{
    #expect(throws: TokenFileError.notFound(prefix: shown)) { _ = try read(several).index(ofPrefix: prefix) }
    #expect(TokenFileError.notFound(prefix: shown).description == "No token found starting with '\(shown)'")
}

@Test func `a token that is the beginning of another can be named whole`() throws {
    let file = try read(#"{"sk-team": {}, "sk-team-two": {}}"#)
    #expect(try file.index(ofPrefix: "sk-team") == 0)
    #expect(try file.index(ofPrefix: "sk-team-") == 1)
}

@Test func `never more than half of a token is shown`() throws {
    let file = try read(#"{"a": {}, "sk-test": {}, "sk-test-0123456789": {}}"#)
    #expect(file.entries.map(\.shownPrefix) == ["", "sk-", "sk-test-0"])
}
