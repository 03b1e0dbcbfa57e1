import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct RememberedTests {
    private final class Thing {}

    @Test func `a thing is found as long as somebody holds it`() {
        var table = Remembered<String, Thing>()
        var thing: Thing? = Thing()
        table["a"] = thing
        #expect(table["a"] === thing && table["b"] == nil)
        thing = nil
        #expect(table["a"] == nil && table.living.isEmpty)
    }

    @Test func `what nobody holds keeps its place until the sweep`() {
        var table = Remembered<Int, Thing>()
        let held = Thing()
        table[1] = held
        table[2] = Thing()
        #expect(table.count == 2)
        table.sweep()
        #expect(table.count == 1 && table.living.map(\.key) == [1])
        table[1] = nil
        #expect(table.count == 0)
    }
}
