extension RouteFigures {
    /// Worker: an exchange has ended.
    func note(_ record: ExchangeRecord, worker: Int) {
        noteEnding(status: record.status, outcome: Int(record.outcome.rawValue), worker: worker)
        noteBytes(request: record.requestBodyBytes, response: record.responseBodyBytes, worker: worker)
        note(.head, nanoseconds: record.headTime, worker: worker)
        if record.connectTime > 0 { note(.connect, nanoseconds: record.connectTime, worker: worker) }
        if record.firstByteTime > 0 { note(.firstByte, nanoseconds: record.firstByteTime, worker: worker) }
        note(.total, nanoseconds: record.totalTime, worker: worker)
    }
}
