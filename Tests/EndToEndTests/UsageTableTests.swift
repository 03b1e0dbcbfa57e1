import JSON
import Stores
import Testing

@testable import CLI

private func group(
    _ sums: UsageSums, _ caller: String = "ann/app", auth: String = "members", key: Int64 = 1,
    user: Int64 = 1, username: String? = "ann", model: String = "", day: Int64 = 0
) -> UsageGroup {
    UsageGroup(
        subject: UsageSubject(
            day: day, auth: auth, caller: caller, keyID: key, userID: user, model: model),
        username: username, sums: sums)
}

@Test func `numbers stand to the right, dollars under each other, and a total below`() {
    let table = UsageTable(
        [
            group(UsageSums(requests: 3, inputTokens: 1000, nanoUSD: 1_500_000)),
            group(UsageSums(requests: 12, failures: 12), "", auth: "", key: 0, user: 0, username: nil),
            group(UsageSums(requests: 1, nanoUSD: 12_000_000_000, estimated: 1), "bob/x\u{1B}[2J", key: 2),
        ], by: .key)
    #expect(
        table.text == """
            AUTH     KEY        REQUESTS  FAILED  INPUT  CACHED  OUTPUT  ESTIMATED      USD
            members  bob/x\u{FFFD}[2J         1       0      0       0       0          1  12.0000
            members  ann/app           3       0   1000       0       0          0   0.0015
            -        -                12      12      0       0       0          0   0.0000
            total                     16      12   1000       0       0          1  12.0015
            """)
}

@Test func `a long name is cut in the table, and whole in CSV`() {
    let name = String(repeating: "m", count: 61)
    let table = UsageTable(
        [
            group(UsageSums(requests: 1), model: name),
            group(UsageSums(requests: 2), model: String(name.dropLast())),
        ], by: .model)
    let lines = table.text.split(separator: "\n").map { $0.split(separator: " ")[0] }
    #expect(lines == ["MODEL", name.dropLast(), name.dropLast(2) + "…", "total"])
    #expect(table.csv.contains("\r\n\(name),1,"))
}

@Test func `a user is one line however they come, and others stay apart`() {
    let one = UsageSums(requests: 1)
    let groups = [
        group(one), group(one, "ann", auth: "logins", key: 0),
        group(one, "bob/app", auth: "others", username: "ann"),
        group(one, "gone/app", user: 9, username: nil),
        group(one, "batch", auth: "tokens", key: 0, user: 0, username: nil),
    ]
    func names(_ own: Set<String>?) -> [[String]] {
        UsageTable(
            groups.map { UsageGroup(subject: $0.subject.withoutKey, username: $0.username, sums: one) },
            by: .user, ownAuth: own
        ).lines.map(\.names)
    }
    #expect(
        names(["members", "logins"]) == [
            ["", "ann"], ["members", "gone/app"], ["others", "bob/app"], ["tokens", "batch"],
        ])
    #expect(names(nil) == [["", "ann"], ["members", "gone/app"], ["tokens", "batch"]])
    let keys = UsageTable([group(one), group(one, key: 2)], by: .key)
    #expect(keys.lines.map(\.keyID) == [1, 2], "keys may have the same name")
}

extension UsageSubject {
    /// As the store groups by user.
    fileprivate var withoutKey: UsageSubject {
        var subject = self
        subject.keyID = 0
        return subject
    }
}

@Test func `days come in order, everything else by what was used`() {
    let days = UsageTable(
        [group(UsageSums(requests: 1), day: 20_001), group(UsageSums(requests: 9), day: 19_999)], by: .day)
    #expect(days.lines.map(\.names) == [["2024-10-03"], ["2024-10-05"]])
    let models = UsageTable(
        [
            group(UsageSums(requests: 1), model: "b"), group(UsageSums(requests: 1), model: "a"),
            group(UsageSums(inputTokens: .max, outputTokens: .max), model: "tokens"),
            group(UsageSums(nanoUSD: 1), model: "dear"),
        ], by: .model)
    #expect(models.lines.map(\.names) == [["dear"], ["tokens"], ["a"], ["b"]])
}

@Test(arguments: [
    ("gpt", "gpt"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("=1+1", "\"'=1+1\""),
    ("+x", "\"'+x\""), ("-x", "\"'-x\""), ("@x", "\"'@x\""), (" =x", "\"' =x\""), ("a=b", "a=b"),
    ("'x", "\"''x\""), ("'=1", "\"''=1\""), ("it's", "it's"),
    ("=\"x\",1", "\"'=\"\"x\"\",1\""), ("a\r\nb", "a\u{FFFD}\u{FFFD}b"), ("", ""),
])
func `a name in CSV is one field, and no formula`(name: String, field: String) {
    let table = UsageTable(
        [
            group(
                UsageSums(requests: 1, failures: 2, inputTokens: 3, outputTokens: 4, nanoUSD: 5), model: name)
        ],
        by: .model)
    #expect(
        table.csv == "model,requests,failed,input_tokens,cached_input_tokens,output_tokens,estimated,usd\r\n"
            + "\(field),1,2,3,0,4,0,0.000000005\r\n")
}

@Test func `JSON has exact money, and null where there is nobody`() throws {
    let table = UsageTable(
        [group(UsageSums(requests: 1, nanoUSD: 9_007_199_254_740_993), "", auth: "", key: 0)], by: .key)
    var json = JSONWriter()
    json.beginObject()
    table.write(&json)
    json.endObject()
    let counts =
        #""requests":1,"failed":0,"input_tokens":0,"cached_input_tokens":0,"output_tokens":0,"estimated":0"#
    #expect(
        json.text == #"{"by":"key","rows":[{"auth":null,"key":null,"key_id":null,"# + counts
            + #","usd":9007199.254740993}],"total":{"# + counts + #","usd":9007199.254740993}}"#)
}

@Test(arguments: [
    ([], Int64(19_971), Int64(20_000)), (["--since", "7d"], 19_994, 20_000),
    (["--since", "1d"], 20_000, 20_000), (["--since", "14d", "--until", "7d"], 19_987, 19_993),
    (["--until", "2024-10-02"], 19_969, 19_998),
    (["--since=2024-10-01", "--until", "2024-10-02"], 19_997, 19_998), (["--since", "0d"], 20_000, 20_000),
    (["--since", "1969-12-31", "--until", "1d"], -1, 19_999),
])
func `the days are from the first to the last, and today is one`(
    words: [String], first: Int64, last: Int64
) throws {
    let command = try CommandLineArguments.parse(["usage"] + words)
    #expect(try UsageCommand.days(command, now: 20_000 * 86_400 + 86_399) == first...last)
}

@Test(arguments: [
    (
        ["--since", "yesterday"],
        "`--since` takes a day, such as 2026-03-01, or so many days, such as 7d, not `yesterday`"
    ),
    (
        ["--until", "2026-02-30"],
        "`--until` takes a day, such as 2026-03-01, or so many days, such as 7d, not `2026-02-30`"
    ),
    (
        ["--since", "12h"],
        "`--since` takes a day, such as 2026-03-01, or so many days, such as 7d, not `12h`"
    ),
    (
        ["--since", "2024-10-05", "--until", "2024-10-04"],
        "`--since` (2024-10-05) is after `--until` (2024-10-04)"
    ),
])
func `a day that is none is told`(words: [String], message: String) throws {
    let command = try CommandLineArguments.parse(["usage"] + words)
    #expect(throws: CommandLineError(message: message)) {
        try UsageCommand.days(command, now: 20_000 * 86_400)
    }
}
