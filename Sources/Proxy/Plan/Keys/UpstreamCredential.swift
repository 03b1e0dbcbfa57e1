import Glibc
import Synchronization

/// A key that goes to an upstream, as the field line that carries it. Zeroed when the last that holds it
/// lets go.
final class UpstreamCredential: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
    /// `Authorization: Bearer …\r\n`. Lives as long as the object.
    let line: UnsafeRawBufferPointer
    /// Where it came from, in people's words: `database`, `key.txt`, `environment`, `auto-provisioned`.
    let source: PlanText
    /// Stars and the last four characters.
    let masked: PlanText
    /// Both, for records: `environment ***************abcd`.
    let label: PlanText
    /// Among several of one upstream; at least 1.
    let weight: Int
    /// Monotonic nanoseconds: the upstream does not take it until then (401, 402, 403).
    let refusedUntil = Atomic<UInt64>(0)
    /// Likewise: it has been used too much (429).
    let cooledUntil = Atomic<UInt64>(0)
    /// Last status by which it was refused; 0: it never was.
    let refusedBy = Atomic<UInt16>(0)
    /// Requests that it went out with.
    let uses = Atomic<UInt64>(0)

    init(line: [UInt8], source: PlanText, masked: PlanText, weight: Int = 1) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, line.count), alignment: 1)
        copy.copyBytes(from: line)
        self.line = UnsafeRawBufferPointer(rebasing: copy[..<line.count])
        self.source = source
        self.masked = masked
        label = PlanText(joining: source, masked)
        self.weight = max(1, weight)
    }

    deinit {
        guard let base = line.baseAddress else { return }
        let memory = UnsafeMutableRawPointer(mutating: base)
        explicit_bzero(memory, line.count)
        memory.deallocate()
    }

    var description: String { "<upstream credential>" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// The key stands in a text as it is: an upstream has told what it was sent.
    func stands(in text: UnsafeRawBufferPointer) -> Bool {
        // Between the last blank of the line and its end.
        let end = max(0, line.count - 2)
        let start = (line[..<end].lastIndex(of: UInt8(ascii: " ")) ?? -1) + 1
        let count = end - start
        guard count > 0, text.count >= count else { return false }
        let key = line.baseAddress! + start
        let first = line[start]
        for offset in 0...(text.count - count)
        where text[offset] == first && memcmp(text.baseAddress! + offset, key, count) == 0 { return true }
        return false
    }

    /// Worker: the upstream has refused it.
    func refuse(status: UInt16, until: UInt64) {
        refusedBy.store(status, ordering: .relaxed)
        refusedUntil.store(until, ordering: .relaxed)
    }

    func isRefused(now: UInt64) -> Bool { refusedUntil.load(ordering: .relaxed) > now }
    func isCooling(now: UInt64) -> Bool { cooledUntil.load(ordering: .relaxed) > now }
}
