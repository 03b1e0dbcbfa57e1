import Glibc
import Testing

@testable import Config
@testable import Proxy

/// A worker's ring with nobody behind it, and the writer that drains it.
private final class Scene {
    let folder = TemporaryFolder()
    let handle: WorkerHandle
    let writer: RecordWriter

    init() throws {
        let bell = try WriterBell()
        handle = try WorkerHandle(index: 0, controlBell: try Bell(), writerBell: bell, desk: Desk())
        writer = try RecordWriter(bell: bell)
    }

    func append(_ path: String) {
        Array(path.utf8).withUnsafeBytes { bytes in
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            var texts = RecordTexts(items: .init(repeating: none))
            texts.items[RecordText.path.rawValue] = bytes
            handle.records.append(ExchangeRecord(), texts: texts)
        }
        handle.writerBell.recordAppended()
    }

    func content(_ name: String) -> String {
        let descriptor = open(folder.path + "/" + name, O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    /// Polls for at most five seconds.
    func until(_ isSo: () -> Bool) -> Bool {
        for _ in 0..<1000 {
            if isSo() { return true }
            poll(nil, 0, 5)
        }
        return false
    }
}

@Test func `records reach the file while the writer sleeps and wakes, and all of them by a stop`() throws {
    let scene = try Scene()
    scene.writer.configure(.init(destination: .file("a.log"), format: .text), folder: scene.folder.path)
    try scene.writer.start([scene.handle])
    scene.append("/first")
    #expect(scene.until { scene.content("a.log").contains("/first") })
    for index in 0..<500 { scene.append("/n\(index)") }
    scene.writer.stop()
    #expect(scene.content("a.log").split(separator: "\n").count == 501)
    #expect(scene.writer.written.load(ordering: .relaxed) == 501)
    #expect(scene.writer.lost.load(ordering: .relaxed) == 0)
}

@Test func `a file that was moved away is left alone, and a new one begun`() throws {
    let scene = try Scene()
    scene.writer.configure(.init(destination: .file("a.log"), format: .text), folder: scene.folder.path)
    try scene.writer.start([scene.handle])
    scene.append("/before")
    #expect(scene.until { scene.content("a.log").contains("/before") })
    rename(scene.folder.path + "/a.log", scene.folder.path + "/a.log.1")
    scene.writer.reopen()
    scene.append("/after")
    #expect(scene.until { scene.content("a.log").contains("/after") })
    #expect(!scene.content("a.log.1").contains("/after"))
    scene.writer.stop()
}

@Test func `a rotation is noticed without a signal`() throws {
    let scene = try Scene()
    scene.writer.configure(.init(destination: .file("a.log"), format: .text), folder: scene.folder.path)
    try scene.writer.start([scene.handle])
    scene.append("/before")
    #expect(scene.until { scene.content("a.log").contains("/before") })
    rename(scene.folder.path + "/a.log", scene.folder.path + "/a.log.1")
    #expect(
        scene.until {
            scene.append("/again")
            return scene.content("a.log").contains("/again")
        })
    scene.writer.stop()
}

@Test func `a destination that changes takes effect, and off discards`() throws {
    let scene = try Scene()
    scene.writer.configure(.init(destination: .file("a.log"), format: .text), folder: scene.folder.path)
    try scene.writer.start([scene.handle])
    scene.append("/a")
    #expect(scene.until { scene.content("a.log").contains("/a") })
    scene.writer.configure(.init(destination: .file("b.log"), format: .json), folder: scene.folder.path)
    scene.append("/b")
    #expect(scene.until { scene.content("b.log").contains(#""path":"/b""#) })
    scene.writer.configure(nil, folder: scene.folder.path)
    scene.append("/c")
    #expect(scene.until { scene.handle.records.isEmpty })
    scene.writer.stop()
    #expect(!scene.content("b.log").contains("/c"))
}

@Test func `records that cannot be written are counted as lost, and the writer goes on`() throws {
    let scene = try Scene()
    scene.writer.configure(.init(destination: .file("/dev/full"), format: .text), folder: scene.folder.path)
    try scene.writer.start([scene.handle])
    scene.append("/a")
    #expect(scene.until { scene.writer.lost.load(ordering: .relaxed) == 1 })
    #expect(scene.writer.problem?.text == "/dev/full: No space left on device")
    scene.writer.configure(.init(destination: .file("a.log"), format: .text), folder: scene.folder.path)
    scene.append("/b")
    #expect(scene.until { scene.content("a.log").contains("/b") })
    scene.writer.stop()
    #expect(scene.writer.problem?.text.hasPrefix("/dev/full") == true, "kept for `status`")
}

@Test func `a repeated complaint is held back and counted`() {
    let gate = LogGate(seconds: 10)
    #expect(gate.admit(now: 1) == 0)
    #expect(gate.admit(now: 2) == nil)
    #expect(gate.admit(now: 3) == nil)
    #expect(gate.admit(now: 10_000_000_002) == 2)
    #expect(gate.admit(now: 20_000_000_003) == 0)
}
