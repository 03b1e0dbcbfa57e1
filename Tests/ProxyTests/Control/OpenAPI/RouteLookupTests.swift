import Testing

@testable import Config
@testable import Proxy

@Suite struct RouteLookupTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `it finds what a look at one route after the other finds`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let words = ["/a", "/a/b", "/ab", "/b", "/a/b/c", "/"]
        let routes = (0..<12).map { _ in
            let word = words.randomElement(using: &random)!
            let pattern = ["", "*", "/**"].randomElement(using: &random)!
            let path = pattern == "/**" && word == "/" ? "/**" : word + pattern
            let methods = ["", ", methods: GET", ", methods: [POST, PUT]"].randomElement(using: &random)!
            return "  - { path: \"\(path)\"\(methods), auth: open, respond: {} }\n"
        }.joined()
        let file = DescriptionScene.head + routes
        let folder = TemporaryFolder()
        let config = try #require(
            ConfigLoader(path: folder.write("headgate.yaml", file)).load().loaded?.config)
        let lookup = RouteLookup(config.routes)
        for path in words + ["/a/", "/abc", "/c", "/a/x/y"] {
            for method in ["GET", "HEAD", "POST", "DELETE"] {
                let wanted = config.routes.firstIndex { $0.path.matches(path) && $0.takes(method) }
                #expect(lookup.first(path, method) == wanted, "\(method) \(path) of\n\(routes)")
            }
        }
    }
}
