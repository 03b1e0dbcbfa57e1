import Testing

@testable import Config

@Suite struct TextSourceTests {
    @Test func `text and references are told apart by their form`() throws {
        let environment = ["KEY": "canary"]
        #expect(try value(.textSource, "Bearer x").value == .literal("Bearer x"))
        #expect(
            try value(.textSource, "'Bearer ${KEY}'", environment: environment).value
                == .literal("Bearer canary"))
        #expect(try value(.textSource, "{ env: KEY }", environment: environment).value == .environment("KEY"))
        #expect(try value(.textSource, "{ file: a/b }").value == .file("a/b"))
        #expect(try value(.textSource, "{ credential: c }").value == .credential("c"))
    }

    @Test(arguments: [
        "{}", "{ env: KEY, file: a }", "{ env: '' }", "{ env: A-B }", "{ env: NOPE }", "{ env: EMPTY }",
        "{ credential: a/b }", "{ credential: .. }",
        "{ evn: KEY }", "[a]", "~",
    ])
    func `what is neither is refused`(_ text: String) throws {
        let result = try value(.textSource, text, environment: ["KEY": "canary", "EMPTY": ""])
        #expect(result.diagnostics.contains { $0.severity == .error })
        #expect(!renderReport(result.diagnostics).contains("canary"))
    }
}
