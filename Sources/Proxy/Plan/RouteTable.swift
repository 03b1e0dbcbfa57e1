/// All routes of a generation, findable by path. File order decides: the first route whose conditions all
/// hold.
///
/// A path is looked up once as a whole and once for each distinct prefix length in the file, so that ten
/// thousand routes cost no more than ten. Each look-up gives the routes of that pattern in file order; the
/// smallest index that matches wins.
final class RouteTable: Sendable {
    let routes: [RoutePlan]
    private let exact: ByteIndex
    private let prefixes: ByteIndex
    /// Ascending, distinct.
    private let prefixLengths: [Int]

    init(routes: [RoutePlan]) {
        self.routes = routes
        var exact: [[UInt8]: [Int32]] = [:]
        var prefixes: [[UInt8]: [Int32]] = [:]
        for (index, route) in routes.enumerated() {
            let index = Int32(index)
            switch route.match.path {
            case .exact(let path): exact[path, default: []].append(index)
            case .prefix(let path): prefixes[path, default: []].append(index)
            case .subtree(let path):
                if !path.isEmpty { exact[path, default: []].append(index) }
                prefixes[path.isEmpty ? path : path + [0x2F], default: []].append(index)
            }
        }
        self.exact = ByteIndex(exact)
        self.prefixes = ByteIndex(prefixes)
        prefixLengths = Set(prefixes.keys.map(\.count)).sorted()
    }

    /// What a look-up needs of the request, all of it borrowed for the call.
    struct Query {
        /// Normalised (`normalizePath`).
        let path: UnsafeRawBufferPointer
        /// Without a port, any case; empty for none.
        let host: UnsafeRawBufferPointer
        let method: Method
        let methodName: UnsafeRawBufferPointer
        /// Index into `Generation.listeners`.
        let listener: Int
        let head: UnsafeRawBufferPointer
        let fields: FieldTable
        let fieldCount: Int
    }

    enum Outcome: Equatable {
        case route(Int)
        /// Only the method stood in the way. `Allow` is made by `allowedMethods`.
        case methodNotAllowed
        case notFound
    }

    func match(_ query: Query) -> Outcome {
        var best = Int.max
        var onlyMethodFailed = false
        visit(query.path) { index in
            guard index < best else { return false }
            let route = routes[index]
            guard route.match.holdsApartFromMethod(query) else { return true }
            guard route.match.methods.contains(query.method, named: query.methodName) else {
                onlyMethodFailed = true
                return true
            }
            best = index
            return false
        }
        if best != Int.max { return .route(best) }
        return onlyMethodFailed ? .methodNotAllowed : .notFound
    }

    /// The union of the methods of every route that matches but for the method.
    func allowedMethods(_ query: Query) -> MethodSet {
        var bits: UInt16 = 0
        var others: [[UInt8]] = []
        visit(query.path) { index in
            let match = routes[index].match
            if match.holdsApartFromMethod(query) {
                bits |= match.methods.bits
                others += match.methods.others.filter { !others.contains($0) }
            }
            return true
        }
        return MethodSet(bits: bits, others: others)
    }

    /// Calls `body` with the routes whose path pattern matches: ascending within one pattern, until it
    /// returns false.
    @inline(__always)
    private func visit(_ path: UnsafeRawBufferPointer, _ body: (Int) -> Bool) {
        var hash = ByteIndex.seed
        var hashed = 0
        for length in prefixLengths {
            guard length <= path.count else { break }
            while hashed < length {
                hash = ByteIndex.mix(hash, path[hashed])
                hashed += 1
            }
            prefixes.visit(UnsafeRawBufferPointer(rebasing: path[..<length]), hash: hash, body)
        }
        while hashed < path.count {
            hash = ByteIndex.mix(hash, path[hashed])
            hashed += 1
        }
        exact.visit(path, hash: hash, body)
    }
}

extension RouteMatch {
    fileprivate func holdsApartFromMethod(_ query: RouteTable.Query) -> Bool {
        guard listeners.isEmpty || listeners.contains(query.listener), host.matches(query.host) else {
            return false
        }
        for condition in headers where !condition.holds(query) { return false }
        return true
    }
}

extension HostPattern {
    /// - Parameter host: any case; a trailing dot (the root label) is ignored.
    func matches(_ host: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .any: return true
        case .exact(let name):
            let host = HostPattern.withoutRootDot(host)
            return host.count == name.count && equalIgnoringCase(host, name)
        case .suffix(let suffix):
            let host = HostPattern.withoutRootDot(host)
            guard host.count > suffix.count else { return false }
            return equalIgnoringCase(
                UnsafeRawBufferPointer(rebasing: host[(host.count - suffix.count)...]), suffix)
        }
    }

    private static func withoutRootDot(_ host: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        host.last == 0x2E ? UnsafeRawBufferPointer(rebasing: host.dropLast()) : host
    }
}

extension MethodSet {
    func contains(_ method: Method, named name: UnsafeRawBufferPointer) -> Bool {
        if bits == .max || bits & (1 << UInt16(method.rawValue)) != 0 && method != .other { return true }
        return method == .other && others.contains { $0.elementsEqual(name) }
    }
}

extension HeaderCondition {
    func holds(_ query: RouteTable.Query) -> Bool {
        for index in 0..<query.fieldCount {
            let line = query.fields.lines[index]
            guard Int(line.name.count) == name.count,
                equalIgnoringCase(line.name.bytes(of: query.head), name)
            else { continue }
            guard let value else { return true }
            if line.value.bytes(of: query.head).elementsEqual(value) { return true }
        }
        return false
    }
}

extension ByteRange {
    /// The bytes themselves, in the buffer that the range was made for.
    @inline(__always)
    func bytes(of buffer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer.baseAddress! + Int(start), count: Int(count))
    }
}

/// ASCII only. `lower` is lower-case already and of the same length.
func equalIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ lower: [UInt8]) -> Bool {
    for index in 0..<lower.count {
        let byte = bytes[index]
        let folded = byte &- 0x41 < 26 ? byte | 0x20 : byte
        if folded != lower[index] { return false }
    }
    return true
}

/// Byte strings to lists of route indices, by open addressing; built once, then only read.
struct ByteIndex: Sendable {
    private struct Slot {
        var hash: UInt64 = 0
        var key: Range<Int> = 0..<0
        var list: Range<Int> = 0..<0
    }
    private var slots: [Slot]
    private var keys: [UInt8] = []
    private var lists: [Int32] = []

    /// FNV-1a, because it can be carried on from prefix to prefix.
    static let seed: UInt64 = 0xcbf2_9ce4_8422_2325
    @inline(__always)
    static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

    init(_ entries: [[UInt8]: [Int32]]) {
        var size = 4
        while size < entries.count * 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        for (key, list) in entries {
            let hash = key.reduce(ByteIndex.seed, ByteIndex.mix)
            var at = ByteIndex.start(hash) & (size - 1)
            while !slots[at].list.isEmpty { at = (at + 1) & (size - 1) }
            slots[at] = Slot(
                hash: hash, key: keys.count..<keys.count + key.count,
                list: lists.count..<lists.count + list.count)
            keys += key
            lists += list
        }
    }

    private static func start(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash ^ (hash >> 32)) }

    @inline(__always)
    func visit(_ key: UnsafeRawBufferPointer, hash: UInt64, _ body: (Int) -> Bool) {
        let mask = slots.count - 1
        var at = ByteIndex.start(hash) & mask
        while true {
            let slot = slots[at]
            if slot.list.isEmpty { return }
            if slot.hash == hash, keys[slot.key].elementsEqual(key) {
                for index in slot.list where !body(Int(lists[index])) { return }
                return
            }
            at = (at + 1) & mask
        }
    }
}
