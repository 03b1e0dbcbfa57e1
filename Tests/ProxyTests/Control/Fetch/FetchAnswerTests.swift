import Testing

@testable import Proxy

private let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"

@Test(arguments: 1...chunked.utf8.count) func `an answer is the same however it is cut`(step: Int) {
    var answer = FetchAnswer(toHead: false, bodyMax: 5)
    var rest = Array(chunked.utf8)[...]
    var progress = FetchAnswer.Progress.incomplete
    while !rest.isEmpty, progress == .incomplete {
        progress = answer.take(rest.prefix(step))
        rest = rest.dropFirst(step)
    }
    #expect(progress == .complete)
    #expect(answer.status == 200)
    #expect(answer.body == Array("hello".utf8))
}

@Test(arguments: 0..<chunked.utf8.count)
func `an answer that is cut short never counts as whole`(count: Int) {
    var answer = FetchAnswer(toHead: false, bodyMax: 5)
    #expect(answer.take(Array(chunked.utf8.prefix(count))) == .incomplete)
    #expect(answer.end() == .failed("it ended before it was complete"))
}

@Test func `an answer to HEAD has no body`() {
    var answer = FetchAnswer(toHead: true, bodyMax: 0)
    #expect(answer.take(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".utf8)) == .complete)
    #expect(answer.body.isEmpty)
}
