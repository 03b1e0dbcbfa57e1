import Testing

@testable import CLI

/// `action: docs`: the page, in a real browser.
@Suite(.scenario) struct DocsPage {
    /// S2-34, S4-64.
    @Test func `it shows what there is, and what is tried in it streams`() throws {
        let (gate, key) = try OpenAPIDescription.start()
        let body =
            #"{"model": "mock", "stream": true, "messages": [{"role": "user", "content": "Hi <b>you</b>"}]}"#
        let url = "http://\(gate.address.authority)"
        let result = try Python.run(
            "docs_page.py", url + "/docs", key, "createChatCompletion", body, gate.folder("browser"),
            in: gate.folder)
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        let page = try parseJSON(result.output)
        #expect(page["title"] == "Cats & <dogs>" && page["about"] == "All of it. · Version 2.1")
        let operations = page["operations"]?.arrayValue?.compactMap(\.stringValue) ?? []
        for id in ["login", "deleteKey", "chat", "createChatCompletion", "createEmbedding", "readHealth"] {
            #expect(operations.contains(id), "\(operations)")
        }
        #expect(operations.count == 27)
        #expect(page["sections"]?.arrayValue?.first == "Gateway" && page["labelled"] == true)
        let answer = try page.text("answer")
        #expect(answer.hasPrefix("200 OK\ncontent-type: text/event-stream\n"))
        #expect(answer.contains("<b>you</b>") && answer.hasSuffix("data: [DONE]\n\n"))
        #expect(page["complaints"] == .array([]))
        let asked = page["requests"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let own = ["/docs", "/openapi.json", "/v1/chat/completions"].map { url + $0 }
        #expect(asked.filter { !$0.hasPrefix("data:") && $0 != "about:blank" } == own)
    }

    @Test func `it says to the browser that nothing else may be loaded`() throws {
        let (gate, _) = try OpenAPIDescription.start()
        let answer = try gate.exchange("GET", "/docs")
        #expect(answer.status == 200 && answer["content-type"] == "text/html; charset=utf-8")
        let policy = answer["content-security-policy"] ?? ""
        #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-"))
        #expect(!policy.contains("unsafe") && policy.contains("connect-src 'self'"))
        #expect(!answer.text.contains("http://") && !answer.text.contains("https://"))
        #expect(answer.text.contains("<title>Cats &amp; &lt;dogs&gt;</title>"))
        #expect(answer.text.utf8.count < 30_000)
    }
}
