import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct OutboxTests {
    private func client() -> ClientConnection {
        ClientConnection(
            descriptor: -1, peer: PeerAddress(high: 0, low: 1, port: 0, isUnix: true),
            listener: ListenerIdentity(rawValue: 1))
    }

    private func append(_ text: String, _ client: ClientConnection, to outbox: inout Outbox) -> Bool {
        Array(text.utf8).withUnsafeBytes { outbox.append($0, for: client) }
    }

    private func take(_ client: ClientConnection, from outbox: inout Outbox) -> String {
        String(decoding: outbox.take(for: client), as: UTF8.self)
    }

    @Test func `each client gets its pieces in order and once`() {
        var outbox = Outbox()
        defer { outbox.destroy() }
        let (a, b) = (client(), client())
        #expect(
            append("one", a, to: &outbox) && append(" two", a, to: &outbox) && append("other", b, to: &outbox)
        )
        #expect(!outbox.isEmpty && outbox.count == 2)
        #expect(take(a, from: &outbox) == "one two")
        #expect(take(a, from: &outbox) == "")
        #expect(take(b, from: &outbox) == "other")
    }

    @Test func `what cannot stand behind the client's earlier bytes is refused`() {
        var outbox = Outbox()
        defer { outbox.destroy() }
        let (a, b) = (client(), client())
        #expect(append("one", a, to: &outbox) && append("other", b, to: &outbox))
        #expect(!append("two", a, to: &outbox))
        #expect(take(a, from: &outbox) == "one")
        #expect(append("two", a, to: &outbox))
        #expect(take(a, from: &outbox) == "two")
    }

    @Test func `large pieces and a full outbox are refused, and an emptied one takes again`() {
        var outbox = Outbox()
        defer { outbox.destroy() }
        let piece = String(repeating: "a", count: Outbox.pieceMax)
        #expect(!append(piece + "b", client(), to: &outbox))
        let clients = (0..<Outbox.capacity / Outbox.pieceMax).map { _ in client() }
        for client in clients { #expect(append(piece, client, to: &outbox)) }
        #expect(!append("b", client(), to: &outbox))
        outbox.removeAll()
        #expect(outbox.isEmpty && append("b", client(), to: &outbox))
    }
}
