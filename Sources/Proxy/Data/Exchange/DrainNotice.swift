/// A stream that `drain_timeout` ends says so itself, where the format has a place for it: as one more event,
/// between two others, which the SDKs raise as an error. The abnormal end that follows says the same to those
/// who read no events.
extension Worker {
    /// - Returns: false if the client is gone, and with it the exchange.
    func sayDraining(_ exchange: RunningExchange, _ client: ClientConnection) -> Bool {
        guard exchange.machine.isRelaying, exchange.isEventStream, client.output.isEmpty,
            isBetweenEvents(exchange)
        else { return true }
        var event = ByteWriter(pathScratch)
        event.put("data: ")
        ErrorBody(reply: .draining, shape: .openai, bound: 0, rate: nil).writeObject(&event, footer: [])
        event.put("\n\n")
        var writer = ByteWriter(writeBuffer)
        let isChunked = exchange.responseOutput.isChunked
        if isChunked { writer.put(chunk: event.bytes) } else { writer.put(event.bytes) }
        exchange.replyCode = LocalReply.draining.properties.code
        exchange.record.responseBodyBytes += UInt64(writer.count)
        return deliver(exchange, client, writer.bytes)
    }

    /// Another event may follow what has gone on.
    private func isBetweenEvents(_ exchange: RunningExchange) -> Bool {
        guard exchange.responseBody.isBetweenChunks else { return false }
        if let chat = exchange.chat { return chat.stream.progress == .open }
        if let account = exchange.account, account.taps { return account.isAtEventBoundary }
        return !exchange.tail.sawDone && exchange.tail.endsEvent(isChunked: exchange.responseOutput.isChunked)
    }
}
