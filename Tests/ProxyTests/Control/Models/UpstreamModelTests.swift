import Testing

@testable import Proxy

private func list(_ text: String) -> [UpstreamModel]? { try? UpstreamModel.list(Array(text.utf8)) }

@Suite struct UpstreamModelTests {
    @Test func `a list is read, with whatever else it tells`() {
        let text = #"""
            {"object":"list","data":[{"id":"gpt-5","object":"model","created":1700000000,"owned_by":"openai"},
            {"id":"org/llama:free","name":"Llama","pricing":{"prompt":"0"}},{"id":"\u00e9","created":-1},
            {"id":"x","created":"2024"},{"id":"y","created":1.5}],"total":5}
            """#
        #expect(
            list(text) == [
                UpstreamModel(id: "gpt-5", created: 1_700_000_000), UpstreamModel(id: "org/llama:free"),
                UpstreamModel(id: "é"), UpstreamModel(id: "x"), UpstreamModel(id: "y"),
            ])
        #expect(list(#"[{"id":"a"}]"#) == [UpstreamModel(id: "a")])
        #expect(list(#"{"data":[]}"#) == [])
    }

    @Test func `what has no usable name is passed over`() {
        let long = String(repeating: "x", count: 257)
        let items =
            #"{}, null, "a", {"id":null}, {"id":""}, {"id":5}, {"id":"a\nb"}, {"id":"\#(long)"}, {"id":"b"}"#
        #expect(list("{\"data\":[\(items)]}") == [UpstreamModel(id: "b")])
    }

    @Test func `no more are read than can be served`() {
        let items = (0..<UpstreamModel.countMax + 5).map { "{\"id\":\"m\($0)\"}" }.joined(separator: ",")
        #expect(list("[\(items)]")?.count == UpstreamModel.countMax)
    }

    @Test(arguments: [
        "", "{}", "null", "<html>", #"{"data":{}}"#, #"{"data":[{"id":"a"}]"#, #"{"models":[]}"#,
    ])
    func `anything else is a problem`(text: String) {
        #expect(list(text) == nil)
    }
}
