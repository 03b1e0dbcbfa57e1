/// All diagnostics for people, by position, then how many there are. Empty for none; else ends in a line
/// break.
public func renderReport(_ diagnostics: [Diagnostic]) -> String {
    guard !diagnostics.isEmpty else { return "" }
    return (sortedByPosition(diagnostics).map { $0.rendered() } + [renderSummary(diagnostics)]).map {
        $0 + "\n"
    }.joined()
}

/// `2 errors, 1 warning`; `no problems` for none.
public func renderSummary(_ diagnostics: [Diagnostic]) -> String {
    let counts = Diagnostic.Severity.allCases.compactMap { severity -> String? in
        let count = diagnostics.count { $0.severity == severity }
        return count == 0 ? nil : "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
    }
    return counts.isEmpty ? "no problems" : counts.joined(separator: ", ")
}

/// For programs: `{"errors": 2, "warnings": 1, "diagnostics": [...]}` on one line, by position.
public func renderJSON(_ diagnostics: [Diagnostic]) -> String {
    let entries = sortedByPosition(diagnostics).map { diagnostic -> JSONText in
        var members: [(String, JSONText)] = [
            ("file", .string(diagnostic.file)), ("line", .integer(diagnostic.line)),
            ("column", .integer(diagnostic.column)), ("length", .integer(diagnostic.length)),
            ("key_path", .string(diagnostic.keyPath)), ("severity", .string(diagnostic.severity.rawValue)),
            ("message", .string(diagnostic.message)),
        ]
        if let hint = diagnostic.hint { members.append(("hint", .string(hint))) }
        if let excerpt = diagnostic.excerpt { members.append(("excerpt", .string(excerpt))) }
        return .object(members)
    }
    return JSONText.object([
        ("errors", .integer(diagnostics.count { $0.severity == .error })),
        ("warnings", .integer(diagnostics.count { $0.severity == .warning })),
        ("diagnostics", .array(entries)),
    ]).text()
}

/// By file, line and column; equal places stay in the order in which they were found.
func sortedByPosition(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    diagnostics.enumerated().sorted { left, right in
        let (a, b) = (left.element, right.element)
        return (a.file, a.line, a.column, left.offset) < (b.file, b.line, b.column, right.offset)
    }.map(\.element)
}
