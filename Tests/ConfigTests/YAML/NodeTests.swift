import Testing

@testable import Config

@Suite struct NodeTests {
    static func scalar(_ text: String) -> Node { Node(.scalar(text, .plain), span: .start) }

    @Test func `a node counts what it holds`() {
        let list = Node(.sequence([Self.scalar("a"), Self.scalar("b")]), span: .start)
        let entry = { (key: String, value: Node) in Node.Entry(key: key, keySpan: .start, value: value) }
        let mapping = Node(
            .mapping([entry("x", list), entry("y", list), entry("z", Self.scalar("c"))]), span: .start)
        #expect(mapping.expandedCount == 8)
        #expect(mapping.height == 2)
        #expect(mapping.value(of: "y") === list)
        #expect(mapping.value(of: "q") == nil)
        #expect(list.value(of: "x") == nil)
        #expect(
            [Self.scalar("").kindName, list.kindName, mapping.kindName] == [
                "a single value", "a list", "a mapping",
            ])
    }
}
