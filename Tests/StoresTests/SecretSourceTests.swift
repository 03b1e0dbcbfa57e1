import Testing

@testable import Stores

private typealias Resolved = Result<String, SecretError>

private func resolve(_ source: SecretSource, _ environment: [String: String] = [:]) -> Resolved {
    do throws(SecretError) {
        let secret = try source.resolve(in: Environment(process: environment))
        return .success(String(decoding: secret.reveal(), as: UTF8.self))
    } catch {
        return .failure(error)
    }
}

@Test func `the process's variable wins over the files, and a later file over an earlier one`() {
    let files = ["A=1\nB=1\nC=1", "B=2\nC=2"].map { EnvironmentFile(Array($0.utf8)) }
    let environment = Environment(process: ["C": "3"], files: files)
    #expect(environment["A"] == "1")
    #expect(environment["B"] == "2")
    #expect(environment["C"] == "3")
    #expect(environment["D"] == nil)
}

@Test func `this process has a PATH`() {
    #expect(Environment.ofProcess()["PATH"]?.isEmpty == false)
}

@Test func `a variable is read, and one that is missing or empty is refused by name`() {
    #expect(resolve(.environment("A"), ["A": "x"]) == .success("x"))
    #expect(resolve(.environment("A")) == .failure(.variableMissing("A")))
    #expect(resolve(.environment("A"), ["A": ""]) == .failure(.variableEmpty("A")))
}

@Test func `a file gives its content without one line end`() {
    let folder = TemporaryFolder()
    #expect(resolve(.file(folder.write("a", "key\n"))) == .success("key"))
    #expect(resolve(.file(folder.write("b", "key\r\n"))) == .success("key"))
    #expect(resolve(.file(folder.write("c", "key\n\n"))) == .success("key\n"))
    #expect(resolve(.file(folder.write("d", "key"))) == .success("key"))
}

@Test func `a file that is missing, empty, too large or a folder is refused`() {
    let folder = TemporaryFolder()
    let missing = folder.path + "/missing"
    #expect(resolve(.file(missing)) == .failure(.fileUnreadable(missing, .missing)))
    let empty = folder.write("empty", "\n")
    #expect(resolve(.file(empty)) == .failure(.fileEmpty(empty)))
    let large = folder.write("large", String(repeating: "x", count: SecretSource.limitBytes + 1))
    let tooLarge = FileReadError.tooLarge(limitBytes: SecretSource.limitBytes)
    #expect(resolve(.file(large)) == .failure(.fileUnreadable(large, tooLarge)))
    guard case .failure(.fileUnreadable(folder.path, .failed)) = resolve(.file(folder.path)) else {
        Issue.record("a folder was read")
        return
    }
}

@Test func `a credential is a file in the directory that systemd names`() {
    let folder = TemporaryFolder()
    folder.write("key", "abc\n")
    let environment = ["CREDENTIALS_DIRECTORY": folder.path]
    #expect(resolve(.credential("key"), environment) == .success("abc"))
    #expect(resolve(.credential("key")) == .failure(.noCredentialsDirectory("key")))
    for name in ["../key", "a/b", "..", ""] {
        #expect(resolve(.credential(name), environment) == .failure(.credentialNameInvalid(name)))
    }
}

@Test func `only files have a path to watch`() {
    let environment = Environment(process: ["CREDENTIALS_DIRECTORY": "/c"])
    #expect(SecretSource.environment("A").path(in: environment) == nil)
    #expect(SecretSource.file("/a/b").path(in: environment) == "/a/b")
    #expect(SecretSource.credential("k").path(in: environment) == "/c/k")
}
