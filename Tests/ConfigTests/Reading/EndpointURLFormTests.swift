import Testing

@testable import Config

@Suite struct EndpointURLFormTests {
    @Test func `a URL is taken apart`() throws {
        let url = try #require(try value(.endpointURL, "HTTPS://Api.Example.com:8443/v1//").value)
        #expect(
            url
                == EndpointURL(
                    scheme: .https, host: "api.example.com", port: 8443, basePath: "/v1",
                    authority: "api.example.com:8443"))
        let plain = try #require(try value(.endpointURL, "http://10.0.0.7").value)
        #expect(
            plain
                == EndpointURL(scheme: .http, host: "10.0.0.7", port: 80, basePath: "", authority: "10.0.0.7")
        )
        let v6 = try #require(try value(.endpointURL, "'http://[::0:1]:80/a%7eb'").value)
        #expect(v6 == EndpointURL(scheme: .http, host: "::1", port: 80, basePath: "/a~b", authority: "[::1]"))
        #expect(try value(.endpointURL, "'https://[::1]:80'").value?.authority == "[::1]:80")
    }

    @Test(arguments: [
        "example.com", "ftp://a", "http://", "http:///x", "http://a:0", "http://a:65536", "'http://a:'",
        "http://a:x", "'http://[::1'",
        "'http://[1.2.3.4]'", "http://a_b..c", "http://-a", "http://1.2.3", "http://a?b", "'http://a#b'",
        "http://a/../b", "http://a/%2e",
        "http://bücher.example", "http://a/b c", "~", "5",
    ])
    func `what is no URL of an upstream is refused`(_ text: String) throws {
        #expect(try refusal(of: text, as: .endpointURL).message.hasPrefix("`key` must"))
    }

    @Test func `a password in a URL is neither accepted nor shown`() throws {
        let diagnostics = try value(.endpointURL, "https://user:hunter2@example.com/").diagnostics
        #expect(diagnostics.map(\.message) == ["`key` must not hold a user or password"])
        #expect(!renderReport(diagnostics).contains("hunter2"))
    }
}
