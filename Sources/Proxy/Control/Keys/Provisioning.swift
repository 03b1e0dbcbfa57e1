import CLinux
import Config
import JSON
import Stores

/// What is sent to an upstream that makes keys, and what is read of its answer.
struct Provisioning: Sendable, Equatable {
    let url: String
    /// With `{user8}` and `{time}`.
    let nameTemplate: String
    /// Member of the answer that is the key; dots go inwards: `data.key`.
    let field: String
    let timeoutMilliseconds: Int
    /// For https.
    var trust = FetchTrust()
    /// What a key looks like: one that does not is none, lest more and more of them are made.
    var format = KeyFormat()

    /// What went wrong, for people. Never holds anything of the answer's body: that may be a key.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// `auto-68e228e8-20260301_120000`
    /// - Parameter now: nanoseconds since 1970.
    func name(user8: String, now: UInt64) -> String {
        let date = Timestamp.text(now).prefix(19).filter { $0 != "-" && $0 != ":" }
        let time = String(date.map { $0 == "T" ? "_" : $0 })
        return nameTemplate.replacing("{user8}", with: user8).replacing("{time}", with: time)
    }

    /// Makes a key. Blocks.
    /// - Parameter key: lets the request in.
    func make(user8: String, with key: Secret) throws(Failure) -> Secret {
        let response: HTTPFetch.Response
        do throws(HTTPFetch.Failure) {
            response = try HTTPFetch.send(request(name(user8: user8, now: headgate_realtime_ns()), key))
        } catch { throw Failure(description: error.description) }
        let made = try Provisioning.key(in: response, field: field)
        guard format.accepts(made) else {
            throw Failure(
                description: "the member `\(field)` of the answer is no key: see `prefix` and `min_length`")
        }
        return made
    }

    func request(_ name: String, _ key: Secret) -> HTTPFetch.Request {
        var json = JSONWriter()
        json.beginObject()
        json.member("name", name)
        json.endObject()
        var request = HTTPFetch.Request(url: url)
        request.method = "POST"
        request.headerLines =
            Array("Authorization: Bearer ".utf8) + key.reveal()
            + Array("\r\nContent-Type: application/json\r\nAccept: application/json\r\n".utf8)
        request.body = json.bytes
        request.trust = trust
        request.totalTimeoutMilliseconds = timeoutMilliseconds
        request.connectTimeoutMilliseconds = min(timeoutMilliseconds, request.connectTimeoutMilliseconds)
        return request
    }

    static func key(in response: HTTPFetch.Response, field: String) throws(Failure) -> Secret {
        guard (200...299).contains(response.status) else {
            throw Failure(description: "the answer has status \(response.status)")
        }
        guard var value = try? JSONValue.parse(response.body) else {
            throw Failure(description: "the answer is not JSON")
        }
        for name in field.split(separator: ".", omittingEmptySubsequences: false) {
            guard let inner = value[String(name)] else {
                throw Failure(description: "the answer has no member `\(field)`")
            }
            value = inner
        }
        guard let text = value.text, !text.isEmpty else {
            throw Failure(description: "the member `\(field)` of the answer is no text")
        }
        return Secret(text)
    }
}
