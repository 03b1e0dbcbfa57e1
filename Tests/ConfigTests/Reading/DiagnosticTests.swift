import Testing

@testable import Config

@Suite struct DiagnosticTests {
    @Test func `an error is written with place, excerpt, carets and hint`() {
        let diagnostic = Diagnostic(
            file: "headgate.yaml", line: 41, column: 7, length: 16, keyPath: "limits.team.token_per_minute",
            severity: .error,
            message: "unknown key `token_per_minute` in limits.team",
            hint: "did you mean `tokens_per_minute`?",
            excerpt: "      token_per_minute: 60000")
        #expect(
            diagnostic.rendered() == """
                headgate.yaml:41:7: error: unknown key `token_per_minute` in limits.team
                   41 |       token_per_minute: 60000
                      |       ^^^^^^^^^^^^^^^^ did you mean `tokens_per_minute`?
                """)
    }

    @Test func `without an excerpt the hint stands alone`() {
        let diagnostic = Diagnostic(
            file: "f", line: 1, column: 1, severity: .warning, message: "m", hint: "h")
        #expect(diagnostic.rendered() == "f:1:1: warning: m\n      | h")
        #expect(
            Diagnostic(file: "f", line: 1, column: 1, severity: .error, message: "m").rendered()
                == "f:1:1: error: m")
    }
}
