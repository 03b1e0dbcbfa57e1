import Glibc
import Testing

@testable import Proxy

/// Whether the watcher tells of a change within two seconds.
private func tells(_ watcher: ConfigWatcher, within milliseconds: Int32 = 2000) -> Bool {
    var wanted = pollfd(fd: watcher.descriptor, events: Int16(POLLIN), revents: 0)
    while poll(&wanted, 1, milliseconds) > 0 {
        if watcher.takeEvents() { return true }
    }
    return false
}

private func watching(_ path: String) throws -> ConfigWatcher {
    let watcher = try ConfigWatcher()
    watcher.watch([path])
    return watcher
}

@Test func `a write in place is seen, one beside it is not`() throws {
    let folder = TemporaryFolder()
    let path = folder.write("a", "1")
    let watcher = try watching(path)
    folder.write("other", "1")
    #expect(!tells(watcher, within: 0))
    folder.write("a", "2")
    #expect(tells(watcher))
}

@Test func `a rename over the file is seen, each time`() throws {
    let folder = TemporaryFolder()
    let path = folder.write("a", "1")
    let watcher = try watching(path)
    for round in 0..<3 {
        rename(folder.write("new", "\(round)"), path)
        #expect(tells(watcher))
        while tells(watcher, within: 0) {}
    }
}

@Test func `a file that goes and comes back is seen`() throws {
    let folder = TemporaryFolder()
    let path = folder.write("a", "1")
    let watcher = try watching(path)
    unlink(path)
    #expect(tells(watcher))
    folder.write("a", "1")
    #expect(tells(watcher))
}

@Test func `a swap of a link on the way to the file is seen, and its new target watched`() throws {
    let folder = TemporaryFolder()
    for version in ["v1", "v2"] {
        mkdir(folder.path + "/" + version, 0o700)
        folder.write(version + "/a", version)
    }
    symlink("v1", folder.path + "/..data")
    symlink("..data/a", folder.path + "/a")
    let watcher = try watching(folder.path + "/a")
    symlink("v2", folder.path + "/..tmp")
    rename(folder.path + "/..tmp", folder.path + "/..data")
    #expect(tells(watcher))
    while tells(watcher, within: 0) {}
    folder.write("v2/a", "changed")
    #expect(tells(watcher))
    while tells(watcher, within: 0) {}
    folder.write("v1/a", "nobody looks here any more")
    #expect(!tells(watcher, within: 0))
}

@Test func `a file is seen to appear together with its folders`() throws {
    let folder = TemporaryFolder()
    let watcher = try watching(folder.path + "/b/c/a")
    mkdir(folder.path + "/b", 0o700)
    #expect(tells(watcher))
    mkdir(folder.path + "/b/c", 0o700)
    #expect(tells(watcher))
    folder.write("b/c/a", "1")
    #expect(tells(watcher))
}

@Test func `a loop of links ends`() {
    let folder = TemporaryFolder()
    symlink("b", folder.path + "/a")
    symlink("a", folder.path + "/b")
    let steps = ConfigWatcher.steps(to: folder.path + "/a")
    #expect(steps.count > 1)
    #expect(Set(steps.map(\.name)) == ["a", "b"])
}

@Test func `a new directory is told, a known one is not`() throws {
    let folder = TemporaryFolder()
    let path = folder.write("a", "1")
    let watcher = try ConfigWatcher()
    #expect(watcher.watch([path]))
    #expect(!watcher.watch([path, folder.path + "/b"]))
    mkdir(folder.path + "/sub", 0o700)
    #expect(watcher.watch([path, folder.path + "/sub/c"]))
}
