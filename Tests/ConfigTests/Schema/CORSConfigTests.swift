import Testing

@testable import Config

@Suite struct CORSConfigTests {
    @Test func `star alone has every default`() throws {
        let cors = try #require(try value(.mapping(shortFor: "origins", CORSConfig.init), "'*'").value)
        #expect(
            cors
                == CORSConfig(
                    origins: nil, credentials: false,
                    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], headers: [], expose: [],
                    maxAge: .seconds(600)))
    }

    @Test func `origins are as a browser sends them`() throws {
        let text =
            "[https://A.example, 'http://a.example:80', 'https://[::1]:8443', null, chrome-extension://abc]"
        #expect(
            try value(.origins, text).value == [
                "https://a.example", "http://a.example", "https://[::1]:8443", "null",
                "chrome-extension://abc",
            ])
    }

    @Test(arguments: [
        "[]", "['*']", "[a.example]", "[https://a, https://A]", "['null', null]", "[https://a/]",
        "['https://u:p@a']", "[https://]", "[HTTPS://a]",
        "https://a",
    ])
    func `what is no origin is refused`(_ text: String) throws {
        #expect(try refusal(of: text, as: .origins).message.hasPrefix("`key"))
    }

    @Test func `credentials need named origins`() throws {
        let form = Form<CORSConfig>.mapping(CORSConfig.init)
        #expect(
            try refusal(of: "{ origins: '*', credentials: true }", as: form).hint?.contains("browsers refuse")
                == true)
        #expect(try value(form, "{ origins: [https://a], credentials: true }").diagnostics.isEmpty)
    }
}
