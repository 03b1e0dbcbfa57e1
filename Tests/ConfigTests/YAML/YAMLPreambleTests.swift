import Testing

@testable import Config

@Suite struct YAMLPreambleTests {
    @Test func `only one version directive may stand before the document`() {
        #expect(YAMLTreeTests.failure("%YAML 1.2\n---\na: 1\n") == nil)
        #expect(
            YAMLTreeTests.failure("%YAML 1.2\n%YAML 1.2\n---\na: 1\n")?.hasPrefix("2:1 directives") == true)
        #expect(YAMLTreeTests.failure("# c\n%TAG ! b\n---\na: 1\n")?.hasPrefix("2:1 directives") == true)
    }

    @Test func `text behind the document is shown where it begins`() {
        #expect(YAMLTreeTests.failure("{a: 1}\nb: 2\n") == "2:1 text after the end of the document")
        #expect(YAMLTreeTests.failure("a: 1\n...\n%TAG ! b\n") == "3:1 a second document begins here")
        #expect(YAMLTreeTests.failure("{a: 1} # fine\n") == nil)
    }
}
