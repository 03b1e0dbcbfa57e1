// Covers AdminResponse.swift
import Testing

@testable import Proxy

private var routes: AdminRoutes {
    var routes = AdminRoutes()
    routes.get("/", "this list") { _ in .text(200, "") }
    routes.get("/exchanges/{request_id}", "the story") { _ in .text(200, "") }
    routes.add("POST", "/plan", "what if") { _, _ in }
    return routes
}

private func found(_ method: String, _ path: String) -> String {
    switch routes.find(AdminRequest(method: method, path: path)) {
    case .route(let route, let parameter): "\(route.path) \(parameter)"
    case .otherMethod(let allowed): allowed.joined(separator: ",")
    case .nothing: "nothing"
    }
}

@Test(arguments: [
    ("GET", "/", "/ "), ("GET", "/exchanges/a%2Fb", "/exchanges/{request_id} a/b"),
    ("GET", "/exchanges/", "nothing"), ("GET", "/exchanges", "nothing"), ("GET", "/exchanges/a/b", "nothing"),
    ("GET", "/plan", "POST"), ("POST", "/plan", "/plan "), ("POST", "/", "GET"), ("GET", "", "nothing"),
])
func `a request finds its route`(method: String, path: String, expected: String) {
    #expect(found(method, path) == expected)
}

@Test func `the list names every route`() {
    let text = String(decoding: routes.list(asText: true).body, as: UTF8.self)
    #expect(text.split(separator: "\n").count == routes.all.count)
    #expect(text.contains("POST /plan"))
    let json = String(decoding: routes.list(asText: false).body, as: UTF8.self)
    #expect(json.contains(#"{"method":"GET","path":"/exchanges/{request_id}","summary":"the story"}"#))
}

@Test func `an answer says how long it is, and ends in a line feed`() {
    let json = String(decoding: AdminResponse.error(404, "no \"such\" thing").bytes, as: UTF8.self)
    #expect(
        json.hasPrefix("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 30\r\n"))
    #expect(json.hasSuffix("\r\n\r\n{\"error\":\"no \\\"such\\\" thing\"}\n"))
    let text = String(decoding: AdminResponse.text(200, "a\n").bytes, as: UTF8.self)
    #expect(text.hasSuffix("Content-Length: 2\r\nConnection: close\r\n\r\na\n"))
}
