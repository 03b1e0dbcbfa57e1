import Config
import Testing

@testable import CLI

/// What is written is read as it was meant.
@Suite struct YAMLOutputTests {
    @Test(arguments: [
        "plain", "gpt-4o", "a b", "", "true", "No", "null", "~", "12", "1.5", "0x1F", "-", "- a", "a: b",
        "#x",
        "a #b", "*", "*star", "a*", "&a", "!t", "|", ">", "%d", "@x", "`x`", "{a}", "[a]", "a,b", "'q'",
        "\"q\"",
        "back\\slash", "tab\there", "line\nend", "\u{0}\u{7}", "\u{85}\u{2028}", "é ü 漢字 🙂", "$HOME", "${A}",
        "$$",
        "http://h:1/v1", "os.environ/KEY", "=", ".inf", "yes", "a:", ":a", "?", "/a/**", "1e3", "on",
    ])
    func `a text comes back as it was, as a value and as a key`(text: String) throws {
        let tree = YAMLOutput.mapping([
            .init("list", .list([.text(text), .expanded(text)])),
            .init("inner", .mapping([.init(text, .text("v"))])),
        ])
        let written = YAMLOutput.document([.init("section", tree)])
        let read = try YAMLValue.parse(Array(written.utf8), file: "made.yaml")
        let items = read["section"]?["list"]?.items
        #expect(items == [.text(text.replacing("$", with: "$$")), .text(text)], "\(written)")
        let inner = read["section"]?["inner"]?.members ?? []
        #expect(inner.map(\.key) == [text] && inner.map(\.value) == [.text("v")], "\(written)")
    }

    @Test func `what is too wide for a line takes several`() throws {
        let long = (0..<9).map { "https://server-\($0).example.com/v1" }
        let written = YAMLOutput.document([
            .init(
                "upstreams",
                .mapping([.init("a", .mapping([.init("endpoints", .list(long.map { .text($0) }))]))]))
        ])
        #expect(
            written.split(separator: "\n").count == 12
                && written.hasPrefix("upstreams:\n  a:\n    endpoints:\n"))
        let read = try YAMLValue.parse(Array(written.utf8), file: "made.yaml")
        #expect(read["upstreams"]?["a"]?["endpoints"]?.items == long.map { .text($0) })
    }
}
