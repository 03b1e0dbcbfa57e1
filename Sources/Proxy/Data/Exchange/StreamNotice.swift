/// A stream that ends before its time says so itself, where the format has a place for it: as one more event,
/// between two others, which the SDKs raise as an error. The abnormal end that follows says the same to those
/// who read no events.
extension Worker {
    /// `drain_timeout` is over.
    /// - Returns: false if the client is gone, and with it the exchange.
    func sayDraining(_ exchange: RunningExchange, _ client: ClientConnection) -> Bool {
        guard canSayMore(exchange, client) else { return true }
        return say(.draining, exchange, client)
    }

    /// The upstream has broken off its answer, or stalled. With `stream_error_end: done` the end looks like
    /// that of a whole one afterwards.
    /// - Returns: false if the client is gone, and with it the exchange.
    func sayBrokenOff(_ exchange: RunningExchange, _ reply: LocalReply) -> Bool {
        guard let client = exchange.client, canSayMore(exchange, client) else { return true }
        exchange.endsWhole = exchange.route?.streamErrorEnd == .done
        return say(reply, exchange, client)
    }

    private func say(_ reply: LocalReply, _ exchange: RunningExchange, _ client: ClientConnection) -> Bool {
        var event = ByteWriter(pathScratch)
        event.put("data: ")
        ErrorBody(reply: reply, shape: .openai, bound: 0, rate: nil)
            .writeStreamError(&event, as: exchange.route?.errors ?? .openai)
        event.put(exchange.endsWhole ? "\n\ndata: [DONE]\n\n" : "\n\n")
        var writer = ByteWriter(writeBuffer)
        if exchange.responseOutput.isChunked {
            writer.put(chunk: event.bytes)
            if exchange.endsWhole { writer.put("0\r\n\r\n") }
        } else {
            writer.put(event.bytes)
        }
        exchange.replyCode = reply.properties.code
        exchange.record.responseBodyBytes += UInt64(writer.count)
        return deliver(exchange, client, writer.bytes)
    }

    /// Another event may follow what has gone on.
    private func canSayMore(_ exchange: RunningExchange, _ client: ClientConnection) -> Bool {
        guard exchange.machine.isRelaying, exchange.isEventStream, client.output.isEmpty else { return false }
        // What goes out there are whole events in chunks of ours.
        if let chat = exchange.chat { return chat.stream.progress != .done }
        guard exchange.responseBody.isBetweenChunks, !exchange.tail.sawDone else { return false }
        if let account = exchange.account, account.taps { return account.isAtEventBoundary }
        return exchange.tail.endsEvent(isChunked: exchange.responseOutput.isChunked)
    }
}
