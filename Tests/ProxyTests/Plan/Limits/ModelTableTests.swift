import Testing

@testable import Proxy

private func table(_ names: [String]) -> ModelTable {
    ModelTable(names.map { ModelPlan(name: PlanText($0)) })
}

extension ModelTable {
    fileprivate func name(for model: String) -> String? {
        withExactBytes(model) { bytes in
            find(UnsafeRawBufferPointer(bytes)).map { String(decoding: $0.name.bytes, as: UTF8.self) }
        }
    }
}

/// Whether the name fits, by trying every length that a star may have.
private func fits(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    guard first == UInt8(ascii: "*") else {
        return name.first == first && fits(pattern.dropFirst(), name.dropFirst())
    }
    return (0...name.count).contains { fits(pattern.dropFirst(), name.dropFirst($0)) }
}

@Suite(.tags(.fast)) struct ModelTableTests {
    @Test(arguments: [
        ("gpt-5", "gpt-5"), ("gpt-5-mini", "gpt-5-*"), ("gpt-4", "gpt-*"), ("openai/gpt-5", "openai/*"),
        ("openai/a/b", "openai/*"), ("x/y:free", "*:free"), ("anything", "*"), ("", "*"),
    ])
    func `a name wins, then the longest literal beginning`(model: String, entry: String) {
        let table = table(["*:free", "*", "gpt-*", "gpt-5-*", "openai/*", "gpt-5"])
        #expect(table.name(for: model) == entry)
    }

    @Test func `of two patterns that begin alike the first in the file wins`() {
        #expect(table(["gpt-*x", "gpt-*y", "gpt-*"]).name(for: "gpt-yx") == "gpt-*x")
        #expect(table(["gpt-*", "gpt-*x"]).name(for: "gpt-yx") == "gpt-*")
    }

    @Test func `what nobody listed is not found`() {
        #expect(ModelTable.empty.name(for: "a") == nil)
        #expect(table(["a", "b*"]).name(for: "c") == nil)
        #expect(table(["a", "b*"]).name(for: "A") == nil)
        #expect(table(["a", "ab"]).name(for: "abc") == nil)
    }

    @Test func `many names are found, each its own`() {
        let names = (0..<1000).map { "model-\($0)" }
        let table = table(names)
        for name in names { #expect(table.name(for: name) == name) }
        #expect(table.name(for: "model-1000") == nil)
    }

    @Test func `a name longer than any is matched by a star alone`() {
        let long = String(repeating: "a", count: ModelTable.nameBytesMax + 1)
        #expect(table(["a*", "*a", "**"]).name(for: long) == "**")
        #expect(table(["a*"]).name(for: long) == nil)
        #expect(table(["a*"]).name(for: String(long.dropLast())) == "a*")
    }

    @Test func `a pattern matches what its stars can be filled in for`() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<4000 {
            let text = { (count: Int, letters: [UInt8], random: inout SeededGenerator) in
                (0..<count).map { _ in letters.randomElement(using: &random)! }
            }
            let count = Int.random(in: 0...6, using: &random)
            let pattern = text(count, Array("ab**".utf8), &random) + Array("*".utf8)
            let name = text(Int.random(in: 0...8, using: &random), Array("ab".utf8), &random)
            let (written, model) = (
                String(decoding: pattern, as: UTF8.self), String(decoding: name, as: UTF8.self)
            )
            let isFound = table([written]).name(for: model) != nil
            #expect(isFound == fits(pattern[...], name[...]), "\(written) and \(model)")
        }
    }
}
