/// One `--set a.b.c=value`: a scalar of the file as it should be read.
///
/// A key may have points in it: of the keys of a mapping the longest that the path begins with is meant.
/// Entries of lists are `routes[0]` or `routes.0`. What is not there is added, below mappings.
public struct ConfigSetting: Equatable, Sendable {
    /// As given: `a.b.c=value`.
    public let text: String
    /// Before the first `=`.
    let path: String
    /// Typed by its looks, as plain text of the file is; `${…}` is filled in.
    let value: String

    /// - Returns: nil: it is not `PATH=VALUE`, or has a line break.
    public init?(_ text: String) {
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex,
            !text.unicodeScalars.contains(where: { SourceText.isBreak($0) || $0 == "\0" })
        else { return nil }
        self.text = text
        path = String(text[..<sign])
        value = String(text[text.index(after: sign)...])
    }
}

/// Puts settings into a tree. They stand behind the last line of the text, one on each line, so that what is
/// wrong with one is told at its place, like all else.
struct SettingEditor {
    let setting: ConfigSetting
    /// From 0, of the text with the settings behind it.
    let line: Int
    private let steps: [Character]

    init(setting: ConfigSetting, line: Int) {
        self.setting = setting
        self.line = line
        steps = Array(setting.path)
    }

    struct Failure: Error {
        let message: String
        var hint: String?
    }

    /// The tree with the setting in it.
    func apply(to root: Node) throws(YAMLTree.Failure) -> Node {
        do throws(Failure) {
            guard setting.path.count(where: { $0 == "." || $0 == "[" }) < YAMLTree.depthMax else {
                throw Failure(message: "nested deeper than \(YAMLTree.depthMax) levels")
            }
            return try edited(root, at: 0)
        } catch {
            throw YAMLTree.Failure(span: pathSpan(from: 0), message: error.message, hint: error.hint)
        }
    }

    private func edited(_ node: Node, at start: Int) throws(Failure) -> Node {
        let here = Quoting.quoted(String(steps[..<max(0, start - 1)]))
        switch node.kind {
        case .scalar:
            throw Failure(
                message: "\(here) is a single value, it has nothing below it", hint: "set it as a whole")
        case .mapping(let entries):
            let known = longest(of: entries.map(\.key), at: start)
            let key = known ?? String(steps[start...].prefix { $0 != "." && $0 != "[" })
            guard !key.isEmpty else { throw Failure(message: "a key is missing in the path") }
            let place = entries.firstIndex { $0.key == key }
            let value = try below(place.map { entries[$0].value }, at: start + key.count)
            var changed = entries
            let entry = Node.Entry(
                key: key, keySpan: place.map { entries[$0].keySpan } ?? pathSpan(from: start), value: value)
            if let place { changed[place] = entry } else { changed.append(entry) }
            return Node(.mapping(changed), span: node.span, dropped: node.dropped)
        case .sequence(let items):
            let digits = String(steps[start...].prefix { $0 != "." && $0 != "[" && $0 != "]" })
            guard let index = Int(digits), digits.utf8.allSatisfy(ASCII.isDigit) else {
                throw Failure(message: "\(here) is a list: an entry is \(example(here)), from 0")
            }
            guard items.indices.contains(index) else {
                throw Failure(message: "\(here) has \(items.count) entries, from 0; there is no \(index)")
            }
            var next = start + digits.count
            if next < steps.count, steps[next] == "]" { next += 1 }
            var changed = items
            changed[index] = try below(items[index], at: next)
            return Node(.sequence(changed), span: node.span)
        }
    }

    private func example(_ list: String) -> String { "`\(list.filter { $0 != "`" })[0]`" }

    /// The value behind a key or an index that ends at `end`.
    private func below(_ node: Node?, at end: Int) throws(Failure) -> Node {
        guard end < steps.count else {
            if case .mapping? = node?.kind {
                throw Failure(
                    message: "\(Quoting.quoted(setting.path)) is a mapping; a single value can be set alone",
                    hint: "name a key of it")
            }
            return value
        }
        guard steps[end] == "." || steps[end] == "[", end + 1 < steps.count else {
            throw Failure(message: "a path is keys with points between, such as `listeners.public.bind`")
        }
        return try edited(node ?? Node(.mapping([]), span: pathSpan(from: end + 1)), at: end + 1)
    }

    private func longest(of keys: [String], at start: Int) -> String? {
        let rest = String(steps[start...])
        let fitting = keys.filter { key in
            guard !key.isEmpty, rest.hasPrefix(key) else { return false }
            let behind = rest.dropFirst(key.count).first
            return behind == nil || behind == "." || behind == "["
        }
        return fitting.max { $0.count < $1.count }
    }

    private var value: Node {
        let start = setting.path.unicodeScalars.count + 1
        let end = setting.text.unicodeScalars.count
        return Node(.scalar(setting.value, .plain), span: span(start, end))
    }

    private func pathSpan(from step: Int) -> Span {
        let start = String(steps[..<min(step, steps.count)]).unicodeScalars.count
        return span(start, setting.path.unicodeScalars.count)
    }

    private func span(_ start: Int, _ end: Int) -> Span {
        Span(start: Mark(line: line, column: start), end: Mark(line: line, column: max(start, end)))
    }
}
