import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct PlanTextTests {
    @Test(arguments: ["", "a", "routes[3]", "https://höst:443"])
    func `the bytes are those of the text, for as long as it lives`(text: String) {
        let made = PlanText(text)
        #expect(made.bytes.elementsEqual(Array(text.utf8)))
        #expect(PlanText.empty.bytes.isEmpty)
    }

    @Test(arguments: [("a", "b", "a b"), ("", "b", "b"), ("a", "", "a"), ("", "", "")])
    func `two are joined by a blank where there are two`(first: String, second: String, joined: String) {
        let made = PlanText(joining: PlanText(first), PlanText(second))
        #expect(made.bytes.elementsEqual(joined.utf8))
    }
}
