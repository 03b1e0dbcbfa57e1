import Testing

@testable import Config

@Suite struct FormTests {
    @Test func `one value may stand for a list of one`() throws {
        #expect(try value(.oneOrList(.name), "a").value == ["a"])
        #expect(try value(.oneOrList(.name), "[a, b]").value == ["a", "b"])
        #expect(try refusal(of: "[]", as: .oneOrList(.name)).message == "`key` must not be empty")
    }

    @Test func `every bad entry of a list is told`() throws {
        let diagnostics = try value(.list(.integer(1...9)), "[1, x, 2, 99]").diagnostics
        #expect(diagnostics.map(\.keyPath) == ["key[1]", "key[3]"])
    }

    @Test func `a list is asked for with a hint`() throws {
        #expect(try refusal(of: "a", as: .list(.name)).hint == "write `[a, b]` or one `- a` per line")
    }

    @Test func `names of the user's choice are checked`() throws {
        let form = Form<[Int]>.named(.integer(1...9))
        #expect(try value(form, "{ a: 1, b-2_c.d: 2 }").value == [1, 2])
        for name in ["''", "-a", "'a b'", "a/b", "é", String(repeating: "a", count: 65)] {
            #expect(try refusal(of: "{ \(name): 1 }", as: form).message.contains("must be 1 to 64 letters"))
        }
    }

    @Test func `the name rule and its pattern agree in length`() {
        #expect(NameRule.entries.isValid(String(repeating: "a", count: 64)))
        #expect(NameRule.entries.pattern.contains("{0,63}"))
    }
}
