// Covers DocsPage.swift, DocsPage+Script.swift, DocsPage+Style.swift, DocsAction.swift
import Stores
import Testing

@testable import Proxy

@Suite struct DocsPageTests {
    private let page = String(
        decoding: DocsPage.html(title: "\"A\" & <b>", openapi: "/x/openapi.json"), as: UTF8.self)

    @Test func `a title is text, wherever it stands`() {
        #expect(page.contains("<title>&quot;A&quot; &amp; &lt;b&gt;</title>"))
        #expect(page.contains("<h1>&quot;A&quot; &amp; &lt;b&gt;</h1>") && !page.contains("<b>"))
        #expect(page.contains("data-openapi=\"/x/openapi.json\""))
    }

    @Test func `it is small, and holds all that it needs`() {
        #expect(page.utf8.count < 30_000)
        for outside in ["http:", "https:", "src=", "@import", "url(", "innerHTML", "eval("] {
            #expect(!page.contains(outside), "\(outside)")
        }
    }

    /// What a browser hashes is the text between the tags, to the byte.
    @Test func `the policy allows the script and the style that are there, and no other`() throws {
        let fields = String(decoding: DocsPage.fields, as: UTF8.self)
        #expect(fields.split(separator: "\r\n").count == 5 && fields.hasSuffix("\r\n"))
        for (tag, directive) in [("script", "script-src"), ("style", "style-src")] {
            let begin = try #require(page.firstRange(of: "<\(tag)>")).upperBound
            let end = try #require(page.firstRange(of: "</\(tag)>")).lowerBound
            let digest = sha256(Array(page[begin..<end].utf8))
            let text = String(decoding: Base64URL.encode(digest), as: UTF8.self)
            let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
            #expect(fields.contains("\(directive) 'sha256-\(base64)='"))
        }
        #expect(fields.contains("default-src 'none'") && !fields.contains("unsafe"))
    }
}
