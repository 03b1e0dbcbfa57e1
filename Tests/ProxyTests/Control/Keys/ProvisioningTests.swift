import JSON
import Stores
import Testing

@testable import Proxy

private func provisioning(_ name: String = "auto-{user8}-{time}") -> Provisioning {
    Provisioning(
        url: "http://127.0.0.1:1/keys", nameTemplate: name, field: "key", timeoutMilliseconds: 2000)
}

@Test(arguments: [
    ("auto-{user8}-{time}", "auto-68e228e8-20260301_120000"), ("fixed", "fixed"),
    ("{time}{time}", "20260301_12000020260301_120000"),
])
func `S1-23: a new key is named for its user and its time`(template: String, name: String) {
    let noon: UInt64 = 1_772_366_400_123_000_000
    #expect(provisioning(template).name(user8: "68e228e8", now: noon) == name)
}

@Test func `S1-23: the request is a POST of the name, let in by the provisioning key`() throws {
    let request = provisioning().request("auto-x", Secret("sk-prov"))
    #expect(request.method == "POST" && request.url == "http://127.0.0.1:1/keys")
    #expect(
        String(decoding: request.headerLines, as: UTF8.self).hasPrefix(
            "Authorization: Bearer sk-prov\r\nContent-Type: application/json\r\n"))
    #expect(try JSONValue.parse(request.body) == .object([.init("name", .string("auto-x"))]))
    #expect(request.totalTimeoutMilliseconds == 2000 && request.connectTimeoutMilliseconds == 2000)
}

@Test(arguments: [
    (200, #"{"key":"k"}"#, "key", "k"), (201, #"{"data":{"key":"k"}}"#, "data.key", "k"),
    (200, #"{"key":"k"}"#, "data.key", "the answer has no member `data.key`"),
    (200, #"{"key":{"a":1}}"#, "key", "the member `key` of the answer is no text"),
    (200, #"{"key":""}"#, "key", "the member `key` of the answer is no text"),
    (200, "sk-secret", "key", "the answer is not JSON"),
    (403, #"{"key":"sk-secret"}"#, "key", "the answer has status 403"),
])
func `S1-23: the key is a member of the answer, and what is none tells nothing of it`(
    status: Int, body: String, field: String, found: String
) {
    let response = HTTPFetch.Response(status: UInt16(status), body: Array(body.utf8))
    do throws(Provisioning.Failure) {
        let key = try Provisioning.key(in: response, field: field)
        #expect(String(decoding: key.reveal(), as: UTF8.self) == found)
    } catch { #expect(error.description == found) }
}

@Test func `a provider that does not answer is told as such`() {
    #expect(throws: Provisioning.Failure.self) {
        try provisioning().make(user8: "x", with: Secret("sk-prov"))
    }
}
