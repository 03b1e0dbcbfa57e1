import Testing

@testable import Config
@testable import Proxy

@Suite struct RouteLookupTests {
    private static let paths: [PathConfig] = ["/a", "/a/b", "/ab", "/b", "/a/b/c", "/"].flatMap { path in
        [.exact(path), .prefix(path), .subtree(path == "/" ? "" : path)]
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `it finds what a look at one route after the other finds`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let some = try #require(DescriptionScene.config(DescriptionScene.head).routes.first)
        let routes = (0..<12).map { _ in
            var route = some
            route.path = Self.paths.randomElement(using: &random)!
            route.methods = [[], ["GET"], ["POST", "PUT"]].randomElement(using: &random)!
            return route
        }
        let lookup = RouteLookup(routes)
        for path in ["/a", "/a/b", "/ab", "/b", "/a/b/c", "/", "/a/", "/abc", "/c", "/a/x/y"] {
            for method in ["GET", "HEAD", "POST", "DELETE"] {
                let wanted = routes.firstIndex { $0.path.matches(path) && $0.takes(method) }
                let shown = routes.map { "\($0.path) \($0.methods)" }
                #expect(lookup.first(path, method) == wanted, "\(method) \(path) of \(shown)")
            }
        }
    }
}
