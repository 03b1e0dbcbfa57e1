import Testing

@testable import Config

@Suite struct YAMLTreeTests {
    static func failure(_ text: String) -> String? {
        do throws(YAMLTree.Failure) {
            _ = try YAMLTree.build(SourceText(file: "f", bytes: Array(text.utf8)))
            return nil
        } catch { return "\(error.span.start.line + 1):\(error.span.start.column + 1) \(error.message)" }
    }

    @Test func `a tree keeps order, places and shared nodes`() throws {
        let source = SourceText(file: "f", bytes: Array("b: &x [1, 2]\na: *x\n".utf8))
        let root = try YAMLTree.build(source).root
        guard case .mapping(let entries) = root.kind else { throw Noted() }
        #expect(entries.map(\.key) == ["b", "a"])
        #expect(entries[0].value === entries[1].value)
        #expect(entries[0].value.span.start == Mark(line: 0, column: 3))
        #expect(root.expandedCount == 7)
        #expect(root.height == 2)
    }

    @Test func `what is not our YAML ends the reading`() {
        #expect(Self.failure("a: *b\n") == "1:4 alias `*b` is not defined")
        #expect(Self.failure("a: &b { c: *b }\n") == "1:12 alias `*b` stands inside what it names")
        #expect(Self.failure("a: !!str 1\n") == "1:4 tags such as `!name` are not allowed")
        #expect(Self.failure("a: !x [1]\n") == "1:4 tags such as `!name` are not allowed")
        #expect(Self.failure("? [a]\n: b\n") == "1:3 a key must be plain text, found a list")
        #expect(Self.failure("a: 1\n---\nb: 1\n") == "2:1 a second document begins here")
        #expect(Self.failure("") == "1:1 the file is empty")
    }

    @Test func `one document may be framed and followed by comments`() {
        #expect(Self.failure("%YAML 1.2\n---\na: 1\n...\n# end\n\n") == nil)
        #expect(Self.failure("# first\n---\na: 1\n") == nil)
    }

    @Test func `duplicates and merge keys are noted with their path`() throws {
        let text = "a:\n- {}\n- b: 1\n  b: 2\nc: { <<: { d: 1 }, \"<<\": 1 }\n"
        let remarks = try YAMLTree.build(SourceText(file: "f", bytes: Array(text.utf8))).remarks
        #expect(remarks.map(\.path) == ["a[1].b", "c"])
        #expect(remarks[0].message == "duplicate key `b` in a[1], first on line 3")
        #expect(remarks[1].message == "merge keys (`<<`) are not allowed")
    }
}
