import JSON
import Stores

/// Where a key for an upstream was looked for, in order, and what was there.
public struct KeyResolution: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case database, file, environment, credential, provision
    }

    public enum State: Sendable, Equatable {
        /// This is the key that requests go out with.
        case used
        /// There is a key: for when those before it are refused.
        case shadowed
        /// There is none.
        case absent
        /// What is there cannot be a key of this upstream.
        case badFormat
        /// Why nobody knows.
        case unreadable(String)
        /// One can be made.
        case ready

        /// Behind the source's name, for people.
        var told: String {
            switch self {
            case .used, .shadowed: "has one"
            case .absent: "has none"
            case .badFormat: "has one in an invalid format"
            case .unreadable: "cannot be read"
            case .ready: "would make one"
            }
        }
    }

    public struct Finding: Sendable {
        public let kind: Kind
        /// What people call it: `database`, `key.txt`, `environment`, `credential`, `auto-provisioned`.
        public let source: String
        /// The row, path, variable or URL.
        public let place: String
        public internal(set) var state: State
        let key: Secret?
        /// Of `database`: what was found; nil: no row, or none that can be read.
        let row: UpstreamKey?

        init(
            _ kind: Kind, _ source: String, at place: String, _ state: State, key: Secret? = nil,
            row: UpstreamKey? = nil
        ) {
            self.kind = kind
            self.source = source
            self.place = place
            self.state = state
            self.key = key
            self.row = row
        }

        public var masked: String? { key.map(KeyMask.text) }
        /// `file main: cannot …` names what is wrong here; nil: nothing.
        var problem: String? {
            switch state {
            case .badFormat: "Invalid key format in \(source)"
            case .unreadable(let why): "Cannot read \(source): \(why)"
            case .used, .shadowed, .absent, .ready: nil
            }
        }
    }

    public let upstream: String
    public private(set) var findings: [Finding]
    /// The database may have a key that comes before all that was found, and cannot be asked.
    public private(set) var isBlocked = false

    /// - Parameter findings: in order of priority; those with a key that is good are `.shadowed`.
    init(upstream: String, findings: [Finding]) {
        self.upstream = upstream
        self.findings = findings
        for (index, finding) in findings.enumerated() {
            if finding.kind == .database, case .unreadable = finding.state {
                isBlocked = true
                return
            }
            if finding.state == .shadowed {
                self.findings[index].state = .used
                return
            }
        }
    }

    /// What requests go out with; nil: nothing.
    public var winner: Finding? { findings.first { $0.state == .used } }

    /// All keys that are there, best first, each once.
    var usable: [Finding] {
        guard !isBlocked else { return [] }
        var found: [Finding] = []
        for finding in findings where finding.state == .used || finding.state == .shadowed {
            guard let key = finding.key, !found.contains(where: { $0.key?.isEqual(to: key) ?? false })
            else { continue }
            found.append(finding)
        }
        return found
    }

    /// The user's own row of the upstream's name, whatever is in it.
    var ownRow: Finding? {
        findings.first { $0.kind == .database && $0.row?.name == upstream && $0.row?.userID != nil }
    }

    /// Keys elsewhere that are not the one of the database that wins over them.
    var differing: [Finding] {
        guard let winner, winner.kind == .database, let key = winner.key else { return [] }
        return findings.filter { other in
            [.file, .environment, .credential].contains(other.kind) && other.state == .shadowed
                && !(other.key?.isEqual(to: key) ?? true)
        }
    }

    /// One sentence for people.
    public var why: String {
        if isBlocked { return "the database cannot be read, and what it may hold comes first" }
        if let winner {
            var before: [String] = []
            for finding in findings.prefix(while: { $0.state != .used }) {
                let text = "\(finding.source) \(finding.state.told)"
                if !before.contains(text) { before.append(text) }
            }
            let reason = before.isEmpty ? "it comes first" : before.joined(separator: ", ")
            return "\(winner.source): \(reason)"
        }
        return findings.contains { $0.state == .ready }
            ? "there is no key yet: one is made when it is needed" : "there is no key"
    }
}

// MARK: - Telling

extension KeyResolution {
    /// `{"upstream", "source", "key", "why", "sources"}`, each of the last with `kind`, `source`, `place`,
    /// `state`, `key` and `detail`; keys masked.
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("upstream", upstream)
        json.member("source", winner?.source)
        json.member("key", winner?.masked)
        json.member("why", why)
        json.key("sources")
        json.beginArray()
        for finding in findings { KeyResolution.write(finding, to: &json) }
        json.endArray()
        json.endObject()
    }

    private static func write(_ finding: Finding, to json: inout JSONWriter) {
        json.beginObject()
        json.member("kind", finding.kind.rawValue)
        json.member("source", finding.source)
        json.member("place", finding.place)
        json.member("state", finding.state.name)
        json.member("key", finding.masked)
        json.member("detail", finding.state.detail)
        json.endObject()
    }

    /// A line for each source, in order, then why. No line end behind the last.
    public var text: String {
        let names = findings.map { $0.kind == .file ? "file" : $0.kind.rawValue }
        let width = names.map(\.count).max() ?? 0
        let placeWidth = findings.map(\.place.count).max() ?? 0
        var lines: [String] = []
        for (index, finding) in findings.enumerated() {
            let cells = [
                "\(index + 1)", padded(names[index], width), padded(finding.place, placeWidth),
                padded(finding.state.name, 10), finding.masked ?? finding.state.detail ?? "",
            ]
            lines.append(trimmedEnd(cells.joined(separator: "  ")))
        }
        return (lines + ["\(upstream): \(why)"]).joined(separator: "\n")
    }
}

extension KeyResolution.State {
    /// In JSON and at a terminal.
    public var name: String {
        switch self {
        case .used: "used"
        case .shadowed: "shadowed"
        case .absent: "absent"
        case .badFormat: "bad format"
        case .unreadable: "unreadable"
        case .ready: "ready"
        }
    }

    public var detail: String? { if case .unreadable(let why) = self { why } else { nil } }
}

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

private func trimmedEnd(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
}
