import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct ModelPlanTests {
    /// A quarter of a dollar, two dollars, and a fortieth.
    private let price = ModelPrice(input: 250_000_000, output: 2_000_000_000, cachedInput: 25_000_000)

    @Test func `tokens cost their price, cached ones theirs`() {
        #expect(price.nanoUSD(input: 1_000_000, output: 0, cachedInput: 0) == 250_000_000)
        #expect(price.nanoUSD(input: 0, output: 1_000_000, cachedInput: 0) == 2_000_000_000)
        #expect(price.nanoUSD(input: 1_000_000, output: 0, cachedInput: 1_000_000) == 25_000_000)
        #expect(price.nanoUSD(input: 1000, output: 10, cachedInput: 400) == 600 * 250 + 400 * 25 + 10 * 2000)
        #expect(price.nanoUSD(input: 0, output: 0, cachedInput: 0) == 0)
    }

    @Test func `what is less than a billionth costs one`() {
        let cheap = ModelPrice(input: 1, output: 1, cachedInput: 1)
        #expect(cheap.nanoUSD(input: 1, output: 0, cachedInput: 0) == 1)
        #expect(cheap.nanoUSD(input: 1_000_000, output: 1, cachedInput: 0) == 2)
    }

    @Test func `more cached tokens than tokens count as all of them`() {
        #expect(price.nanoUSD(input: 1_000_000, output: 0, cachedInput: .max) == 25_000_000)
    }

    @Test func `nothing overflows`() {
        let dear = ModelPrice(input: .max, output: .max, cachedInput: .max)
        #expect(dear.input == ModelPrice.perMillionMax)
        #expect(dear.nanoUSD(input: .max, output: .max, cachedInput: 0) == .max)
        #expect(dear.nanoUSD(input: .max, output: .max, cachedInput: .max) == .max)
        #expect(dear.nanoUSD(input: 1_000_000, output: 0, cachedInput: 0) == 10_000_000_000_000)
    }

    @Test func `a model has what was said of it`() {
        let model = ModelPlan(name: PlanText("m"), maxOutput: 5)
        #expect(model.maxOutput == 5 && model.price == nil)
    }
}
