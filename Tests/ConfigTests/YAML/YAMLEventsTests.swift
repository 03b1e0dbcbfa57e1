import Testing

@testable import Config

@Suite struct YAMLEventsTests {
    static func all(_ text: String) throws -> [YAMLEvent] {
        let events = YAMLEvents(Array(text.utf8))
        var found: [YAMLEvent] = []
        while true {
            found.append(try events.next())
            if case .streamEnd = found[found.count - 1].kind { return found }
        }
    }

    @Test func `scalars carry text, style, anchor and their place in characters`() throws {
        let scalars = try Self.all("é: [&x 'b', \"c\", d]\ne: |\n  f\n").compactMap {
            event -> (String, YAMLEvent.Style, YAMLEvent)? in
            if case .scalar(let text, let style) = event.kind { (text, style, event) } else { nil }
        }
        #expect(scalars.map(\.0) == ["é", "b", "c", "d", "e", "f\n"])
        #expect(scalars.map(\.1) == [.plain, .quoted, .quoted, .plain, .plain, .block])
        #expect(scalars[1].2.anchor == "x")
        #expect(scalars[2].2.span == Span(start: Mark(line: 0, column: 12), end: Mark(line: 0, column: 15)))
    }

    @Test func `a syntax error has its place and its context`() throws {
        do {
            _ = try Self.all("a: 1\nb: [1, 2\n")
            Issue.record("read without an error")
        } catch let error as YAMLSyntaxError {
            #expect(error.mark.line == 2)
            #expect(error.context?.mark == Mark(line: 1, column: 3))
        }
    }
}
