import Config

/// What is told of a preview.
extension ReloadPreview {
    enum Result: String {
        case changes
        /// A reload would serve the same.
        case unchanged
        /// The file cannot be served.
        case failed
    }

    var result: Result { !isGood ? .failed : entries.isEmpty ? .unchanged : .changes }

    // MARK: - For people

    var text: String {
        let report = diagnostics.isEmpty ? "" : renderReport(diagnostics)
        switch result {
        case .failed: return report.dropLast() + "; still serving generation \(generation)"
        case .unchanged: return report + "\(file): a reload changes nothing of generation \(generation)"
        case .changes:
            var lines = ["\(file): what a reload changes of generation \(generation)"]
            for section in ConfigItem.Section.allCases { lines += self.lines(of: section) }
            return report + (lines + outcomeLines).joined(separator: "\n")
        }
    }

    private func lines(of section: ConfigItem.Section) -> [String] {
        let entries = entries.filter { $0.change.item.section == section }
        guard !entries.isEmpty else { return [] }
        return ["", section.title] + entries.flatMap(lines)
    }

    private func lines(of entry: Entry) -> [String] {
        let change = entry.change
        let touch = touchText(entry.touch)
        let first =
            "  \(change.kind.sign) \(change.name)  \(change.kind.text)" + (touch.isEmpty ? "" : "; \(touch)")
        let keys = change.keys.prefix(ReloadPreview.keysMax).map { "      \($0.text)" }
        let left = change.keys.count - keys.count
        let more = left > 0 ? ["      and \(counted(left, "key")) more"] : []
        let numbers = change.numbers.map { "      \($0.text(subjects: subjects(of: $0)))" }
        return [first] + keys + more + numbers + change.notes.map { "      \($0)" }
    }

    /// Keys of one entry that are shown.
    static let keysMax = 12

    private func touchText(_ touch: PreviewTouch) -> String {
        var parts: [String] = []
        if touch.exchanges > 0 {
            let streams = touch.streams > 0 ? " (\(counted(touch.streams, "stream")))" : ""
            let callers = touch.callers > 0 ? " of \(counted(touch.callers, "caller"))" : ""
            parts.append("\(counted(touch.exchanges, "running exchange"))\(streams)\(callers)")
        }
        if touch.connections > 0 { parts.append(counted(touch.connections, "connection")) }
        if touch.cut > 0 { parts.append("\(touch.cut) cut by `on_revoke`") }
        if touch.isCutUnknown { parts.append("who is not found any more is cut by `on_revoke`") }
        return parts.joined(separator: ", ")
    }

    private var outcomeLines: [String] {
        let all = counted(running.count, "running exchange")
        var lines = [""]
        if total.exchanges == 0 {
            lines.append("touches none of \(all)")
        } else {
            let stay = total.exchanges - total.cut
            let streams = total.streams > 0 ? " (\(counted(total.streams, "stream")))" : ""
            lines.append(
                "touches \(total.exchanges) of \(all)\(streams): \(stay) "
                    + "go on to their end by what they began with")
        }
        if total.cut > 0 { lines.append("cuts \(counted(total.cut, "exchange")) by `on_revoke: cut`") }
        if total.connections > 0 {
            lines.append("closes \(counted(total.connections, "connection")), each after what it asks now")
        }
        if !running.isComplete { lines.append("a worker did not answer in time: there may be more") }
        return lines
    }

    // MARK: - JSON

    var json: String {
        var json = JSONText()
        json.object { json in
            json.string("result", result.rawValue)
            json.string("file", file)
            json.number("generation", generation)
            json.object("running") { json in
                json.number("exchanges", running.count)
                json.number("streams", running.streams)
                json.boolean("complete", running.isComplete)
            }
            json.object("touched") { append(total, to: &$0) }
            json.array("changes") { json in for entry in entries { append(entry, to: &json) } }
            json.string("text", text)
            json.raw("report", renderJSON(diagnostics))
        }
        return json.text
    }

    private func append(_ entry: Entry, to json: inout JSONText) {
        let change = entry.change
        json.object { json in
            json.string("section", change.item.section.rawValue)
            json.string("name", change.name)
            json.string("kind", change.kind.rawValue)
            json.array("keys") { json in
                for key in change.keys {
                    json.object { json in
                        json.string("path", key.path)
                        text("before", key.before, &json)
                        text("after", key.after, &json)
                    }
                }
            }
            if change.item.section == .limits { numbers(change.numbers, &json) }
            json.array("notes") { json in for note in change.notes { json.string(nil, note) } }
            append(entry.touch, to: &json)
        }
    }

    private func numbers(_ numbers: [LimitNumberChange], _ json: inout JSONText) {
        json.array("numbers") { json in
            for number in numbers {
                json.object { json in
                    json.string("key", number.key)
                    json.string("outcome", number.outcome.rawValue)
                    // Why raw: they are numbers of JSON as they are.
                    if let before = number.before { json.raw("before", before) } else { json.null("before") }
                    if let after = number.after { json.raw("after", after) } else { json.null("after") }
                    json.number("subjects", subjects(of: number))
                }
            }
        }
    }

    private func append(_ touch: PreviewTouch, to json: inout JSONText) {
        json.number("exchanges", touch.exchanges)
        json.number("streams", touch.streams)
        json.number("callers", touch.callers)
        json.number("connections", touch.connections)
        if touch.isCutUnknown { json.null("cut") } else { json.number("cut", touch.cut) }
    }

    private func text(_ key: String, _ value: String?, _ json: inout JSONText) {
        if let value { json.string(key, value) } else { json.null(key) }
    }
}

extension ConfigItem.Section {
    fileprivate var title: String {
        switch self {
        case .process, .listeners, .stores, .auth, .limits, .models, .upstreams, .routes: rawValue
        case .others: "besides"
        }
    }
}

extension ConfigChange.Kind {
    fileprivate var sign: String {
        switch self {
        case .added: "+"
        case .removed: "-"
        case .changed: "~"
        case .moved: ">"
        case .restart: "!"
        }
    }

    fileprivate var text: String {
        switch self {
        case .added, .removed, .changed, .moved: rawValue
        case .restart: "needs a restart"
        }
    }
}

extension KeyChange {
    /// `timeouts.idle: 10s → 20s`
    fileprivate var text: String {
        let place = path.isEmpty ? "" : "\(path): "
        switch (before, after) {
        case (let before?, let after?): return "\(place)\(before) → \(after)"
        case (nil, let after?): return "\(place)→ \(after)"
        case (let before?, nil): return "\(place)\(before) →"
        case (nil, nil): return path.isEmpty ? "all of it" : path
        }
    }
}
