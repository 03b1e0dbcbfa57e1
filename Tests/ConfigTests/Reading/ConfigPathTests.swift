import Testing

@testable import Config

@Suite struct ConfigPathTests {
    @Test func `a path is written as people write it`() {
        let route = ConfigPath.index(.key(.root, "routes"), 3)
        #expect(ConfigPath.key(.key(route, "cors"), "max_age").text == "routes[3].cors.max_age")
        #expect(ConfigPath.root.text == "")
        #expect(route.inside == " in routes[3]")
        #expect(ConfigPath.root.inside == "")
        #expect(route.parent == .key(.root, "routes"))
        #expect(route.name == nil)
    }

    @Test func `text of the file is made harmless and short`() {
        #expect(ConfigPath.key(.root, "a\nb\u{1B}").text == "a\\u{a}b\\u{1b}")
        #expect(
            Quoting.quoted(String(repeating: "é", count: 61)) == "`" + String(repeating: "é", count: 60)
                + "…`")
        #expect(Quoting.quoted("a\u{202E}b") == "`a\\u{202e}b`")
    }
}
