import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RoutePlanTests {
    private func contains(_ set: MethodSet, _ name: String) -> Bool {
        withExactBytes(name) { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            let known = Method.allCases.first { $0 != .other && $0.name.elementsEqual(bytes) }
            return set.contains(known ?? .other, named: bytes)
        }
    }

    @Test func `any holds every method, also unknown ones`() {
        for name in ["GET", "PATCH", "PURGE", "x"] { #expect(contains(.any, name)) }
    }

    @Test func `a set holds what it names and nothing else`() {
        let set = MethodSet(
            bits: 1 << Method.get.rawValue | 1 << Method.post.rawValue, others: [Array("PURGE".utf8)])
        for name in ["GET", "POST", "PURGE"] { #expect(contains(set, name)) }
        for name in ["HEAD", "PUT", "get", "PURG", "PURGES", "purge"] { #expect(!contains(set, name)) }
        #expect(!contains(MethodSet(bits: 0, others: []), "GET"))
    }

    @Test func `the bit of other names no method`() {
        let set = MethodSet(bits: 1 << Method.other.rawValue, others: [])
        #expect(!contains(set, "PURGE"))
    }

    @Test func `each method has its own name and bit`() {
        let names = Method.allCases.map { String(decoding: $0.name, as: UTF8.self) }
        #expect(
            names == ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", ""])
        for method in Method.allCases where method != .other {
            let set = MethodSet(bits: 1 << UInt16(method.rawValue), others: [])
            for name in names where !name.isEmpty {
                #expect(contains(set, name) == (name == String(decoding: method.name, as: UTF8.self)))
            }
        }
    }

    @Test(arguments: ["", "a", "a longer text with ü"])
    func `a text of the plan keeps its bytes`(text: String) {
        let kept = PlanText(text)
        withExtendedLifetime(kept) { #expect(kept.bytes.elementsEqual(text.utf8)) }
    }
}
