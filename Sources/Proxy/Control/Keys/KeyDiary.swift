import CLinux
import Stores

/// Writes what was done for a key into the log: each block in one piece, and what is wrong with a source once
/// for each change of it. Any thread.
final class KeyDiary: Sendable {
    typealias Write = @Sendable (Log.Level, String) -> Void

    private let told = Locked<[String: String]>([:])
    private let writeLine: Write
    private let gate = LogGate()
    /// Places that are remembered.
    static let placesMax = 10_000

    init(_ write: @escaping Write = { Log.write($0, $1) }) { writeLine = write }

    /// What was told and has not been seen to be right again.
    var problems: [String] { told.withLock { Array(Set($0.values)).sorted() } }

    /// - Parameter saysAll: false: it has been said, only what is new is.
    func write(_ sync: KeySync, saysAll: Bool = true, before: String? = nil, after: KeySync.Line? = nil) {
        let new = newProblems(sync)
        if let before { writeLine(.info, before) }
        for line in sync.lines {
            if let problem = line.problem {
                if new.contains(problem) { writeLine(line.level, line.text) }
            } else if saysAll {
                writeLine(line.level, line.text)
            }
        }
        if let after { writeLine(after.level, after.text) }
    }

    func noteUnavailable(_ upstream: String, _ error: StoreError) {
        guard let heldBack = gate.admit(now: headgate_monotonic_ns()) else { return }
        let more = heldBack > 0 ? " (and \(heldBack) more)" : ""
        writeLine(.error, "upstreams.\(upstream).key: keys cannot be looked up: \(error)\(more)")
    }

    private func newProblems(_ sync: KeySync) -> Set<KeySync.Problem> {
        var new: Set<KeySync.Problem> = []
        told.withLock { told in
            if told.count >= KeyDiary.placesMax { told = [:] }
            for finding in sync.resolution.findings {
                let place = KeySync.place(of: finding, sync.query)
                guard told[place] != finding.problem else { continue }
                told[place] = finding.problem
                if let text = finding.problem { new.insert(KeySync.Problem(at: place, text: text)) }
            }
        }
        return new
    }
}
