import Testing

@testable import Config

@Suite struct HostNamesTests {
    @Test(
        arguments: [
            ("api.Example.com", .exact("api.example.com")), ("*.Example.com", .suffix(".example.com")),
            ("localhost", .exact("localhost")),
            ("127.0.0.1", .exact("127.0.0.1")), ("[::0:1]", .exact("[::1]")), ("a_b.c", .exact("a_b.c")),
        ] as [(String, HostConfig)])
    func `hosts are read in lower case`(_ text: String, _ wanted: HostConfig) throws {
        #expect(try value(.host, "'\(text)'").value == wanted)
    }

    @Test(arguments: [
        "", "*", "*.", "a.*", "*.*.a", "a..b", ".a", "a.", "-a", "a-", "a:80", "http://a", "1.2.3", "a b",
        "é.example", "[1.2.3.4]",
    ])
    func `what is no host is refused`(_ text: String) throws {
        #expect(try refusal(of: "'\(text)'", as: .host).message.hasPrefix("`key` must"))
    }

    @Test func `labels and names have a longest length`() {
        let label = String(repeating: "a", count: 63)
        #expect(HostNames.normalized(label) == label)
        #expect(HostNames.normalized(label + "a") == nil)
        #expect(HostNames.normalized([label, label, label, label].joined(separator: ".")) == nil)
    }
}
