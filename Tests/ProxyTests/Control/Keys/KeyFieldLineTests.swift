import Stores
import Testing

@testable import Config
@testable import Proxy

@Test(arguments: [
    (KeyFieldConfig.bearer, "authorization", "Authorization: Bearer k\r\n"),
    (.xAPIKey, "x-api-key", "X-Api-Key: k\r\n"), (.apiKey, "api-key", "Api-Key: k\r\n"),
])
func `a key goes into the field that the upstream reads`(config: KeyFieldConfig, name: String, line: String) {
    let field = KeyFieldLine(config: config)
    #expect(field.name == Array(name.utf8))
    #expect(field.line(Secret("k")) == Array(line.utf8))
}
