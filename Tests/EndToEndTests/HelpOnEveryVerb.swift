import Testing

@testable import CLI

/// Whoever types a command is told what it does.
@Suite(.scenario) struct HelpOnEveryVerb {
    private static let verbs = [
        "run", "check", "plan", "reload", "status", "generations", "token", "user", "apikey", "key", "db",
        "usage", "explain", "import",
        "schema",
        "version", "mock", "help",
    ]

    private func headgate(_ arguments: String...) throws -> (code: Int32, output: String, errors: String) {
        try run([Gate.program] + arguments, in: Folder())
    }

    @Test(arguments: verbs) func `help explains the verb`(verb: String) throws {
        let result = try headgate(verb, "--help")
        #expect(result.code == 0)
        #expect(result.errors == "")
        #expect(result.output.hasPrefix("usage: headgate \(verb)"))
        #expect(result.output.split(separator: "\n").count >= 2)
        if verb != "help" { #expect(try headgate("help", verb).output == result.output) }
    }

    @Test func `help lists every verb`() throws {
        for arguments in [[], ["help"], ["--help"], ["-h"]] {
            let result = try run([Gate.program] + arguments, in: Folder())
            #expect(result.code == 0, "\(arguments)")
            for verb in Self.verbs {
                #expect(result.output.contains("\n  \(verb) "), "\(verb) in \(arguments)")
            }
        }
    }

    @Test func `a slip is answered with a suggestion and exit 2`() throws {
        let verb = try headgate("relaod")
        #expect(verb.code == 2)
        #expect(verb.errors.contains("did you mean `reload`?"))
        let option = try headgate("check", "--jsn")
        #expect(option.code == 2)
        #expect(option.errors.contains("did you mean `--json`?"))
        #expect(try headgate("run", "--config").code == 2)
        #expect(try headgate("schema", "extra").code == 2)
    }

    @Test func `version is one line`() throws {
        for word in ["version", "--version"] {
            let result = try headgate(word)
            #expect(result.code == 0)
            #expect(result.output.wholeMatch(of: /headgate \d+\.\d+\.\d+\n/) != nil, "\(result.output)")
        }
    }

    @Test func `commands for a daemon that is not there say so`() throws {
        let folder = try Folder()
        for verb in ["reload", "status", "plan", "generations"] {
            let result = try run([Gate.program, verb, "--admin", folder("none.sock")], in: folder)
            #expect(result.code == 1)
            #expect(result.errors.contains("none.sock"))
            #expect(!result.errors.contains("errno"))
        }
    }

    @Test func `the config file may stand before or after the verb`() throws {
        let folder = try Folder()
        try folder.write("x.yaml", "version: 1\n")
        let before = try run([Gate.program, "-c", folder("x.yaml"), "check"], in: folder)
        let after = try run([Gate.program, "check", "-c", folder("x.yaml")], in: folder)
        #expect(before.code == 0 && after.code == 0)
        #expect(before.errors == after.errors)
        #expect(before.errors.contains("x.yaml"))
    }
}
