import Testing

@testable import Config

@Suite struct ExpansionTests {
    static let environment = ["A": "1", "EMPTY": "", "NASTY": "${A}: [\n"]

    static func expand(_ text: String) -> Expansion? {
        do throws(Expansion.Problem) { return try Expansion.expand(text) { environment[$0] } } catch {
            return nil
        }
    }

    @Test(arguments: [
        ("plain", "plain", false), ("${A}", "1", true), ("x${A}y${A}", "x1y1", true), ("$$", "$", false),
        ("$${A}", "${A}", false), ("$$${A}", "$1", true), ("${B:-2}", "2", true), ("${EMPTY:-3}", "3", true),
        ("${EMPTY}", "", true), ("${A:-x}", "1", true), ("${B:-}", "", true), ("$A", "$A", false),
        ("cost: 5$", "cost: 5$", false),
        ("${B:-a:-b}", "a:-b", true), ("${B:-${A}}", "1", true), ("${B:-x${C:-${A}y}z}", "x1yz", true),
        ("${A:-${B}}", "1", true), ("${B:-a{b}", "a{b", true), ("${B:-$$}${A}", "$1", true),
        ("${NASTY}", "${A}: [\n", true),
    ])
    func `references are replaced once, inside the scalar`(_ text: String, _ wanted: String, _ used: Bool) {
        #expect(Self.expand(text) == Expansion(text: wanted, usedVariable: used))
    }

    @Test(arguments: [
        "${B}", "${A", "${}", "${1A}", "${A B}", "${A:x}", "${A:}", "${:-x}", "${A-x}",
        "${B:-${C}}", "${B:-${A}",
        String(repeating: "${B:-", count: 9) + "x" + String(repeating: "}", count: 9),
    ])
    func `what is no reference, or has no value, is refused`(_ text: String) {
        #expect(Self.expand(text) == nil)
    }

    @Test func `variables of defaults are named too`() {
        #expect(Expansion.names(in: "${B:-x${C:-${A}}}${D}") == ["B", "C", "A", "D"])
    }
}
