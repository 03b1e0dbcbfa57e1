import Testing

@testable import Stores

private func values(_ text: String) -> [String: String] { EnvironmentFile(Array(text.utf8)).values }
private func problems(_ text: String) -> [Int] { EnvironmentFile(Array(text.utf8)).problems.map(\.line) }

@Test(arguments: [
    ("A=1", "1"), ("A = 1 ", "1"), ("export A=1", "1"), ("A=", ""), ("A=a=b", "a=b"), ("A=1\r", "1"),
    ("A=x # note", "x"), ("A=x#y", "x#y"), ("A=# note", ""), ("A='x # y'", "x # y"),
    ("A=\"x # y\" # note", "x # y"),
    ("A='a\\nb'", "a\\nb"), ("A=\"a\\nb\"", "a\nb"), ("A=\"\\\"\\\\\\$\"", "\"\\$"), ("A=\"\\q\"", "\\q"),
    ("A=ü", "ü"), ("\u{FEFF}A=1", "1"), ("A=1\nA=2", "2"),
])
func `a line gives its value`(line: String, expected: String) {
    #expect(values(line) == ["A": expected])
    #expect(problems(line) == [])
}

@Test func `blank lines and comments give nothing`() {
    #expect(values("\n  \n# A=1\n\t# B=2\n") == [:])
    #expect(problems("\n  \n# A=1\n\t# B=2\n") == [])
}

@Test(arguments: ["A", "1A=x", "A-B=x", "=x", "A='x", "A=\"x\" y", "export"])
func `a line that is none is a problem with its number`(line: String) {
    #expect(problems("OK=1\n\(line)\nOK=2") == [2])
    #expect(values("OK=1\n\(line)\nOK=2") == ["OK": "2"])
}

@Test func `bytes that are not UTF-8 are a problem of their line alone`() {
    let file = EnvironmentFile(Array("A=1\nB=".utf8) + [0xFF, 0x0A] + Array("C=3".utf8))
    #expect(file.values == ["A": "1", "C": "3"])
    #expect(file.problems.map(\.line) == [2])
}

@Test func `no problem quotes the value`() {
    for line in ["A='canary", "A=\"canary\" x", "canary", "1=canary"] {
        let file = EnvironmentFile(Array(line.utf8))
        #expect(!file.problems.isEmpty)
        for problem in file.problems { #expect(!problem.message.contains("canary")) }
    }
}
