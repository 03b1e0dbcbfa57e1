import Config

/// How one reload ended: for the log, for `status`, and for whoever asked.
struct ReloadReport {
    enum Result: String { case reloaded, unchanged, failed }

    let result: Result
    let trigger: Reload.Trigger
    /// The generation that is served afterwards; 0: none yet.
    let generation: UInt64
    let diagnostics: [Diagnostic]
    /// Nanoseconds since 1970.
    let at: UInt64
    /// What the outcome says in one line: `generation 4: 2 listeners, 7 routes, 3 upstreams (SIGHUP, 3 ms)`.
    let summary: String

    /// For people: every diagnostic, then the outcome.
    var text: String {
        guard !diagnostics.isEmpty else { return summary }
        let report = renderReport(diagnostics)
        switch result {
        case .failed:
            // The report ends with its count, which the outcome completes: `2 errors; still serving
            // generation 17`.
            return report.dropLast() + "; " + summary
        case .reloaded, .unchanged:
            return report + summary
        }
    }

    /// The first mistake in one line, where there is one: `headgate.yaml:18:12: upstream ...`.
    var headline: String {
        guard let first = diagnostics.first(where: { $0.severity == .error }) else { return summary }
        return "\(first.file):\(first.line):\(first.column): \(first.message)"
    }

    var json: String {
        var json = JSONText()
        json.object { json in
            json.string("result", result.rawValue)
            json.number("generation", generation)
            json.string("trigger", trigger.rawValue)
            json.string("text", text)
            json.raw("report", renderJSON(diagnostics))
        }
        return json.text
    }
}
