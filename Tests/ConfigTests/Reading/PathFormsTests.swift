import Testing

@testable import Config

@Suite struct PathFormsTests {
    @Test(
        arguments: [
            ("/", .exact("/")), ("/health", .exact("/health")), ("/a/", .exact("/a/")),
            ("/v1/chat*", .prefix("/v1/chat")),
            ("/*", .prefix("/")), ("/v1/**", .subtree("/v1")), ("/**", .subtree("")),
            ("/%7Euser/%2f", .exact("/~user/%2F")),
            ("/a//b", .exact("/a//b")), ("/a.b/..c", .exact("/a.b/..c")),
        ] as [(String, PathConfig)])
    func `patterns are read and normalised`(_ text: String, _ wanted: PathConfig) throws {
        #expect(try value(.pathPattern, "'\(text)'").value == wanted)
    }

    @Test(arguments: [
        "", "a", "*", "**", "/a**", "/*/b", "/**/b", "/a/***", "/a/../b", "/.", "/a/%2e%2E", "/a/%2e./b",
        "/%", "/%0", "/%0g", "/%00",
        "/a b", "/é", "/a?b", "/a#b", "/a\\b", "/<", "/{x}",
    ])
    func `what no request path can be is refused`(_ text: String) throws {
        #expect(try refusal(of: "'\(text)'", as: .pathPattern).message.hasPrefix("`key` "))
    }

    @Test func `a path has a longest length`() throws {
        let longest = "/" + String(repeating: "a", count: 2047)
        #expect(try value(.pathPattern, longest).value == .exact(longest))
        #expect(try refusal(of: longest + "a", as: .pathPattern).message.contains("at most 2048 bytes"))
    }

    @Test func `a prefix loses its trailing slash and must be something`() throws {
        #expect(try value(.pathPrefix, "/api/").value == "/api")
        for text in ["/", "//", "api", "'/a*'"] {
            #expect(try refusal(of: text, as: .pathPrefix).message.hasPrefix("`key` must"))
        }
    }
}
