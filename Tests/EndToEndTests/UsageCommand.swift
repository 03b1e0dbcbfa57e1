import Testing

@testable import CLI

/// `headgate usage`: what was used, whether the daemon runs or not.
@Suite(.scenario) struct UsageCommandScenario {
    private func scene() throws -> StoreFolder {
        let store = try StoreFolder()
        _ = try store.succeed("user", "add", "ann", "--no-password")
        _ = try store.sqlite3(
            """
            INSERT INTO usage SELECT unixepoch() / 86400 - d, 'members', 'ann/app', 1, 1, m, 'openai', 2, 1, 1000, 10, 500, p, 1
            FROM (SELECT 0 AS d UNION SELECT 1 UNION SELECT 40), (SELECT 'a' AS m, 1500000 AS p UNION SELECT '=b', 0);
            INSERT INTO usage VALUES (20000, '', '', 0, 0, '', '', 1, 0, 0, 0, 0, 0, 0);
            """)
        return store
    }

    /// S4-30, S2-44.
    @Test func `by default it is the keys of the last 30 days, as a table`() throws {
        let store = try scene()
        let result = try store.headgate(["usage", "--store", "main"])
        #expect(result.code == 0)
        #expect(
            result.output == """
                AUTH     KEY      REQUESTS  FAILED  INPUT  CACHED  OUTPUT  ESTIMATED    USD
                members  ann/app         8       4   4000    2000      40          4  0.003
                total                    8       4   4000    2000      40          4  0.003

                """, "\(result)")
        #expect(result.errors.wholeMatch(of: /from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, UTC\n/) != nil)
    }

    @Test func `it is told by user, model, day and upstream, for the days that were asked for`() throws {
        let store = try scene()
        let users = try store.json("usage", "--by", "user", "--db", "app.db", "--since", "60d")
        #expect(users["rows"]?.arrayValue?.count == 1)
        #expect(users["rows"]?.arrayValue?.first?["user"] == "ann")
        #expect(users["total"]?["requests"] == 12)
        let models = try store.succeed("usage", "--by=model", "--db", "app.db", "--csv")
        #expect(
            models == "model,requests,failed,input_tokens,cached_input_tokens,output_tokens,estimated,usd\r\n"
                + "a,4,2,2000,1000,20,2,0.003\r\n\"'=b\",4,2,2000,1000,20,2,0\r\n")
        #expect(try store.json("usage", "--by", "day", "--db", "app.db")["rows"]?.arrayValue?.count == 2)
        let old = try store.json(
            "usage", "--by", "upstream", "--db", "app.db", "--since", "2024-10-01", "--until", "2024-10-31")
        #expect(old["since"] == "2024-10-01" && old["until"] == "2024-10-31" && old["by"] == "upstream")
        #expect(old["rows"]?.arrayValue?.first?["upstream"] == .null)
        #expect(old["total"]?["requests"] == 1)
    }

    @Test func `where nothing was used it says so, and that is no failure`() throws {
        let store = try StoreFolder()
        let arguments = ["usage", "--db", "app.db", "--since", "2026-01-01", "--until"]
        let none = try store.headgate(arguments + ["2026-01-31"])
        #expect(none == (0, "no usage from 2026-01-01 to 2026-01-31\n", ""))
        #expect(try store.headgate(arguments + ["2026-01-01"]).output == "no usage on 2026-01-01\n")
        #expect(try store.json("usage", "--db", "app.db")["rows"]?.arrayValue?.isEmpty == true)
        #expect(try store.succeed("usage", "--db", "app.db", "--csv").hasPrefix("auth,key,requests,"))
    }

    @Test func `a slip is answered with what it should be, and exit 2`() throws {
        let store = try StoreFolder()
        let slip = try store.fail("usage", "--by", "modle", "--db", "app.db", code: 2)
        #expect(slip.hasPrefix("headgate: `--by` takes key, user, model, day or upstream, not `modle`; "))
        #expect(slip.hasSuffix("did you mean `model`?\n"))
        #expect(try store.fail("usage", "--since", "soon", "--db", "app.db", code: 2).contains("such as 7d"))
        #expect(try store.fail("usage", "--csv", "--json", "--db", "app.db", code: 2).contains("exclude"))
        #expect(try store.fail("usage", "extra", code: 2).contains("does not expect `extra`"))
        #expect(try store.fail("usage", "--db", "none.db").contains("`headgate db init` makes it"))
    }

    @Test func `the config file says which store, or is told what to add`() throws {
        let store = try scene()
        #expect(
            try store.fail("usage")
                == "headgate: ./headgate.yaml has no `usage`, so what is used is not written down; "
                + "add `usage: main` to it\n")
        let stores = StoreFolder.config.replacing("stores:\n", with: "usage: main\nstores:\n  a: other.db\n")
        try store.folder.write("headgate.yaml", stores)
        #expect(try store.succeed("usage", "--since", "60d").contains("members  ann/app        12 "))
        #expect(try store.fail("usage", "--store", "none").contains("has no store `none`"))
        try store.folder.write("bare.yaml", "version: 1\n")
        #expect(
            try store.fail("usage", "-c", "bare.yaml").contains(
                "add `stores: { main: headgate.db }` and `usage: main` to it"))
    }
}
