import Glibc
import Testing

@testable import Stores

@Test func `a file is read whole, up to its limit`() throws {
    let folder = TemporaryFolder()
    let text = String(repeating: "0123456789", count: 20_000)
    let path = folder.write("a", text)
    #expect(try readFile(path, limitBytes: 200_000) == Array(text.utf8))
    #expect(throws: FileReadError.tooLarge(limitBytes: 199_999)) { try readFile(path, limitBytes: 199_999) }
}

@Test func `a FIFO without a writer does not block`() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/fifo"
    #expect(mkfifo(path, 0o600) == 0)
    #expect(try readFile(path, limitBytes: 10) == [])
}

@Test func `a broken link is a file that is missing`() {
    let folder = TemporaryFolder()
    let path = folder.path + "/link"
    #expect(symlink("nowhere", path) == 0)
    #expect(throws: FileReadError.missing) { try readFile(path, limitBytes: 10) }
}
