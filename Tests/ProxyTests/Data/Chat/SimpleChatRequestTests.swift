import Testing

@testable import Proxy

private func check(_ body: String) -> SimpleChatRequest.Verdict {
    withExactBytes(body) { SimpleChatRequest.check(UnsafeRawBufferPointer($0)) }
}

private let hello = #"{"role":"user","content":"Hello"}"#

@Suite(.tags(.fast)) struct SimpleChatRequestTests {
    @Test(arguments: [
        #"{"messages":[\#(hello)]}"#,
        " {\n \"messages\" : [ \(hello) , \(hello) ] }\r\n",
        #"{"messages":[{"role":"system","content":""},{"content":"x","role":"assistant","name":"a"}]}"#,
        #"{"messages":[{"role":"user","content":[]}]}"#,
        #"{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"},{"a":[[{}]]}]}]}"#,
        #"{"m\u0065ssages":[{"r\u006fle":"us\u0065r","content":"\ud83d\ude00"}]}"#,
        #"{"messages":[\#(hello)],"model":"gpt-5-mini","temperature":0.7}"#,
        #"{"temperature":0,"model":"","messages":[\#(hello)]}"#,
        #"{"messages":[\#(hello)],"temperature":2}"#, #"{"messages":[\#(hello)],"temperature":2.000}"#,
        #"{"messages":[\#(hello)],"temperature":20e-1}"#, #"{"messages":[\#(hello)],"temperature":-0.0}"#,
        #"{"messages":[\#(hello)],"temperature":1e-999}"#,
        #"{"messages":[\#(hello)],"stream":false}"#, #"{"messages":[\#(hello)],"stream":null}"#,
        #"{"messages":[\#(hello)],"max_tokens":10,"tools":[{"stream":1}],"metadata":{"messages":1}}"#,
    ])
    func `a request with messages is valid, whatever else it says`(body: String) {
        #expect(check(body) == .valid(streams: false))
    }

    @Test func `it says whether it wants a stream`() {
        #expect(check(#"{"stream":true,"messages":[\#(hello)]}"#) == .valid(streams: true))
        #expect(check(#"{"messages":[\#(hello)],"str\u0065am" : true }"#) == .valid(streams: true))
    }

    @Test(arguments: [
        "", " ", "null", "[]", "\"messages\"", "{}", #"{"model":"a"}"#, hello, "[\(hello)]",
        // Messages.
        #"{"messages":[]}"#, #"{"messages":null}"#, #"{"messages":"Hello"}"#, #"{"messages":{}}"#,
        #"{"messages":\#(hello)}"#, #"{"messages":["Hello"]}"#, #"{"messages":[[]]}"#,
        #"{"messages":[{}]}"#, #"{"messages":[\#(hello),null]}"#, #"{"messages":[\#(hello),{}]}"#,
        #"{"messages":[{"role":"user"}]}"#, #"{"messages":[{"content":"Hello"}]}"#,
        #"{"messages":[{"role":"tool","content":"x"}]}"#,
        #"{"messages":[{"role":"User","content":"x"}]}"#,
        #"{"messages":[{"role":"user ","content":"x"}]}"#, #"{"messages":[{"role":"use","content":"x"}]}"#,
        #"{"messages":[{"role":"","content":"x"}]}"#, #"{"messages":[{"role":1,"content":"x"}]}"#,
        #"{"messages":[{"role":["user"],"content":"x"}]}"#,
        #"{"messages":[{"role":"user","content":null}]}"#, #"{"messages":[{"role":"user","content":1}]}"#,
        #"{"messages":[{"role":"user","content":{"text":"x"}}]}"#,
        // Twice.
        #"{"messages":[\#(hello)],"messages":[\#(hello)]}"#,
        #"{"messages":[\#(hello)],"model":"a","model":"a"}"#,
        #"{"messages":[\#(hello)],"stream":true,"str\u0065am":true}"#,
        #"{"messages":[\#(hello)],"temperature":1,"temperature":1}"#,
        #"{"messages":[{"role":"user","role":"user","content":"x"}]}"#,
        #"{"messages":[{"role":"user","content":"x","content":"x"}]}"#,
        // The others.
        #"{"messages":[\#(hello)],"model":null}"#, #"{"messages":[\#(hello)],"model":5}"#,
        #"{"messages":[\#(hello)],"model":["a"]}"#,
        #"{"messages":[\#(hello)],"temperature":2.1}"#, #"{"messages":[\#(hello)],"temperature":-0.1}"#,
        #"{"messages":[\#(hello)],"temperature":1e999}"#, #"{"messages":[\#(hello)],"temperature":"1"}"#,
        #"{"messages":[\#(hello)],"temperature":null}"#, #"{"messages":[\#(hello)],"temperature":[1]}"#,
        #"{"messages":[\#(hello)],"stream":"true"}"#, #"{"messages":[\#(hello)],"stream":1}"#,
        #"{"messages":[\#(hello)],"stream":{}}"#,
        // No JSON.
        #"{"messages":[\#(hello)]"#, #"{"messages":[\#(hello)],}"#, #"{"messages":[\#(hello),]}"#,
        #"{"messages":[\#(hello)]} x"#, #"{"messages":[\#(hello)],"temperature":1"#,
        #"{"messages":[\#(hello)],"temperature":.5}"#, "{'messages':[\(hello)]}",
        "\u{FEFF}{\"messages\":[\(hello)]}", #"{"messages":[{"role":"user","content":"\ud83d"}]}"#,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\nb\"}]}",
        #"{"messages":[\#(hello)],"x":"# + String(repeating: "[", count: 64)
            + String(repeating: "]", count: 64) + "}",
    ])
    func `what is another is not valid`(body: String) {
        #expect(check(body) == .invalid)
    }

    @Test func `a body that breaks off anywhere is not valid`() {
        let body = #"{"stream":true,"temperature":1.5,"model":"m","messages":[\#(hello)]}"#
        #expect(check(body) == .valid(streams: true))
        for count in 0..<body.utf8.count { #expect(check(String(body.prefix(count))) == .invalid) }
    }
}
