import Stores
import Testing

@testable import Config
@testable import Proxy

@Test(arguments: [
    (200, String?.none, false), (401, "Key is invalid or expired", true), (402, "Out of credits", true),
    (403, "Unexpected status: 403", false), (500, "Unexpected status: 500", false),
])
func `S1-28: the list of models says whether a key is good`(status: Int, error: String?, isRefusal: Bool)
    throws
{
    let provider = try KeyProvider()
    defer { provider.stop() }
    provider.script.withLock { $0.modelsStatus = status }
    let validation = KeyValidation(baseURL: provider.url + "/v1", field: KeyFieldLine(config: .bearer))
    let verdict = validation.verdict(on: Secret(fileKey))
    #expect(verdict.error == error && verdict.isRefusal == isRefusal)
    let request = try #require(provider.requests.first)
    #expect(request.hasPrefix("GET /v1/models HTTP/1.1\r\n"))
    #expect(request.contains("\r\nAuthorization: Bearer \(fileKey)\r\n"))
}

@Test func `an upstream that does not answer has refused nothing`() {
    let validation = KeyValidation(baseURL: "http://127.0.0.1:1", field: KeyFieldLine(config: .bearer))
    let verdict = validation.verdict(on: Secret(fileKey))
    #expect(verdict.error != nil && !verdict.isRefusal)
    #expect(verdict.error?.contains("b465") == false)
}
