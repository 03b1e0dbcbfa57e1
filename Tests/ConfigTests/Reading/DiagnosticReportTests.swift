import Testing

@testable import Config

@Suite struct DiagnosticReportTests {
    static func diagnostic(_ line: Int, _ column: Int, _ severity: Diagnostic.Severity) -> Diagnostic {
        Diagnostic(file: "f", line: line, column: column, severity: severity, message: "m\"\n")
    }

    @Test func `problems are told by position and counted`() {
        let all = [
            Self.diagnostic(3, 1, .error), Self.diagnostic(1, 9, .warning), Self.diagnostic(1, 2, .error),
        ]
        let lines = renderReport(all).split(separator: "\n").filter {
            $0.hasPrefix("f:") || $0.contains("errors")
        }
        #expect(
            lines == ["f:1:2: error: m\"", "f:1:9: warning: m\"", "f:3:1: error: m\"", "2 errors, 1 warning"])
    }

    @Test func `the summary speaks of what there is`() {
        #expect(renderSummary([]) == "no problems")
        #expect(renderReport([]) == "")
        #expect(
            renderSummary([Self.diagnostic(1, 1, .warning), Self.diagnostic(1, 1, .warning)]) == "2 warnings")
        #expect(renderSummary([Self.diagnostic(1, 1, .error)]) == "1 error")
    }

    @Test func `programs get JSON`() {
        #expect(renderJSON([]) == #"{"errors":0,"warnings":0,"diagnostics":[]}"#)
        let wanted =
            #"{"file":"f","line":3,"column":1,"length":1,"key_path":"","severity":"error","message":"m\"\n"}"#
        #expect(renderJSON([Self.diagnostic(3, 1, .error)]).contains(wanted))
    }
}
