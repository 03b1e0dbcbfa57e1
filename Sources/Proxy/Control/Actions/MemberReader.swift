import JSON
import Stores

/// Takes members out of a request and notes all that is wrong with them, so that one answer tells
/// everything. Reads never throw; they give a stand-in that nobody uses, because `finish` throws then.
struct MemberReader {
    private let members: ActionMembers
    private var problems: [InvalidMember] = []

    init(_ members: ActionMembers) { self.members = members }

    /// - Throws: `.invalid` with everything that was noted.
    func finish() throws(ActionFailure) {
        guard problems.isEmpty else { throw .invalid(problems) }
    }

    func has(_ name: String) -> Bool { members[name] != nil }

    mutating func text(_ name: String, _ rule: TextRule) -> String {
        guard has(name) else {
            problems.append(.missing(name))
            return ""
        }
        return optionalText(name, rule) ?? ""
    }

    mutating func optionalText(_ name: String, _ rule: TextRule) -> String? {
        guard let value = members[name] else { return nil }
        guard let text = value.text, rule.accepts(text) else {
            problems.append(.wrong(name, wanted: rule.wanted))
            return nil
        }
        return text
    }

    /// Text, or a whole number as its digits.
    mutating func textOrNumber(_ name: String, _ rule: TextRule) -> String {
        guard let value = members[name] else {
            problems.append(.missing(name))
            return ""
        }
        guard let text = value.text ?? value.integer.map(String.init), rule.accepts(text) else {
            problems.append(.wrong(name, wanted: rule.wanted))
            return ""
        }
        return text
    }

    /// - Parameter wanted: `a whole number from 1 to 60`.
    mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = members[name] else { return nil }
        // A form has nothing but text.
        let number = members.isForm ? value.text.flatMap { Int64($0) } : value.integer
        guard let number, range.contains(number) else {
            problems.append(
                .wrong(name, wanted: "a whole number from \(range.lowerBound) to \(range.upperBound)"))
            return nil
        }
        return number
    }
}
