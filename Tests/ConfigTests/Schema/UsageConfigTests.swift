import Testing

@testable import Config

@Suite struct UsageConfigTests {
    private static let head = "version: 1\nstores: { main: m.db }\n"

    @Test(arguments: ["main", "{ store: main }"])
    func `usage is written to a store`(_ text: String) throws {
        #expect(try config(Self.head + "usage: \(text)\n").usage == UsageConfig(store: "main"))
    }

    @Test func `it is off unless asked for`() throws {
        #expect(try config(Self.head).usage == nil)
        #expect(try config(Self.head + "usage: off\n").usage == nil)
    }

    @Test func `its store must be there, and counts as used`() {
        let problems = { (text: String) in read(Self.head + text).diagnostics.map(\.message) }
        let undefined = "store `mian` is not defined (defined: main)"
        #expect(problems("usage: mian\n").contains(undefined))
        #expect(problems("usage: { store: mian }\n").contains(undefined))
        let unused = "store `main` is not used by any auth entry, upstream or route"
        #expect(problems("").contains(unused) && !problems("usage: main\n").contains(unused))
    }

    @Test func `a list is told where it stands`() {
        let message = { (text: String) in
            read(Self.head + text).diagnostics.filter { $0.severity == .error }.map(\.message)
        }
        #expect(message("usage: [main]\n") == ["`usage` must be a name, found a list"])
        #expect(message("usage: { store: [main] }\n") == ["`usage.store` must be a name, found a list"])
    }

    @Test(arguments: ["{}", "[main]", "''", "true"])
    func `anything else is refused`(_ text: String) {
        #expect(read(Self.head + "usage: \(text)\n").config == nil)
    }
}
