/// The part of `headgate status` about where usage is written.
struct UsageStatus {
    let figures: UsageFigures
    /// Records that a worker had no room for.
    let dropped: UInt64

    /// For people. None where `usage` is off.
    var lines: [String] {
        guard let store = figures.store else { return [] }
        let lost = figures.lost + dropped
        let counts = "\(figures.written) requests written, \(figures.waiting) waiting, \(lost) lost"
        let line = "usage       \(store), \(counts)"
        guard let problem = figures.problem else { return [line] }
        return [line, "usage error since \(Timestamp.text(problem.since)): \(problem.text)"]
    }

    func append(to json: inout JSONText) {
        guard let store = figures.store else { return json.null("usage") }
        json.object("usage") { json in
            json.string("store", store)
            json.number("written", figures.written)
            json.number("waiting", figures.waiting)
            json.number("lost", figures.lost)
            json.number("dropped", dropped)
            guard let problem = figures.problem else { return json.null("problem") }
            json.object("problem") { json in
                json.string("since", Timestamp.text(problem.since))
                json.string("text", problem.text)
            }
        }
    }
}
