/// The trace that an exchange belongs to, where `telemetry` is on.
extension Worker {
    /// The caller's trace goes on, with the caller's word on whether it is recorded; else one begins.
    func noteTrace(
        _ exchange: RunningExchange, _ plan: TelemetryPlan, _ head: RequestHead,
        _ bytes: UnsafeRawBufferPointer
    ) {
        var trace = RecordedTrace()
        if let parent = traceParent(head, bytes) {
            trace.high = parent.traceHigh
            trace.low = parent.traceLow
            trace.parentID = parent.parentID
            trace.flags = parent.flags
        } else {
            trace.high = requestIDs.nextRandom()
            trace.low = max(1, requestIDs.nextRandom())
            trace.flags = plan.samples(trace.low) ? TraceParent.sampledFlag : 0
        }
        trace.spanID = max(1, requestIDs.nextRandom())
        exchange.record.trace = trace
    }

    /// Of several nobody knows which is meant.
    private func traceParent(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> TraceParent? {
        var found: UnsafeRawBufferPointer?
        for index in 0..<head.fieldCount where fields.lines[index].known == .traceParent {
            guard found == nil else { return nil }
            found = fields.lines[index].value.bytes(of: bytes)
        }
        return found.flatMap { TraceParent(parsing: $0) }
    }

    /// For the attempt that runs.
    func writeTraceParent(_ writer: inout ByteWriter, _ exchange: RunningExchange) {
        let trace = exchange.record.trace
        writer.put("traceparent: 00-")
        writer.put(digits: trace.high)
        writer.put(digits: trace.low)
        writer.put("-")
        writer.put(digits: trace.span(ofAttempt: exchange.record.attempts))
        writer.put(trace.isSampled ? "-01\r\n" : "-00\r\n")
    }
}
