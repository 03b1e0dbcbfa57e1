extension HandoverMessage {
    private enum Kind: UInt8 {
        case hello = 1
        case sockets, buckets, bucketsEnd, left, connection, ledger, figures
        case prepared = 64
        case serving, failed, ledgerAnswer, stop
    }

    var bytes: [UInt8] {
        var out = HandoverWriter()
        switch self {
        case .hello(let hello):
            out.put(Kind.hello.rawValue)
            hello.write(to: &out)
        case .sockets(let sockets):
            out.put(Kind.sockets.rawValue)
            out.put(sockets) { out, socket in
                out.put(socket.purpose.rawValue)
                out.put(socket.name)
            }
        case .buckets(let images):
            out.put(Kind.buckets.rawValue)
            out.put(images) { $1.write(to: &$0) }
        case .bucketsEnd: out.put(Kind.bucketsEnd.rawValue)
        case .left: out.put(Kind.left.rawValue)
        case .connection(let connection):
            out.put(Kind.connection.rawValue)
            connection.write(to: &out)
        case .ledger(let call):
            out.put(Kind.ledger.rawValue)
            call.write(to: &out)
        case .figures(let figures):
            out.put(Kind.figures.rawValue)
            out.put(figures.exchangesRunning)
            out.put(figures.connectionsOpen)
            out.put(figures.olderProcesses)
        case .prepared: out.put(Kind.prepared.rawValue)
        case .serving: out.put(Kind.serving.rawValue)
        case .failed(let text):
            out.put(Kind.failed.rawValue)
            out.put(String(text.prefix(16_000)))
        case .ledgerAnswer(let result):
            out.put(Kind.ledgerAnswer.rawValue)
            result.write(to: &out)
        case .stop(let milliseconds):
            out.put(Kind.stop.rawValue)
            out.put(milliseconds)
        }
        return out.bytes
    }

    init(_ bytes: [UInt8]) throws(HandoverError) {
        var reader = HandoverReader(bytes)
        switch try reader.value(Kind.self) {
        case .hello: self = .hello(try Hello(&reader))
        case .sockets:
            self = .sockets(
                try reader.list { (reader: inout HandoverReader) throws(HandoverError) in
                    Socket(purpose: try reader.value(Socket.Purpose.self), name: try reader.text())
                })
        case .buckets:
            self = .buckets(
                try reader.list { (reader: inout HandoverReader) throws(HandoverError) in
                    try BucketImage(&reader)
                })
        case .bucketsEnd: self = .bucketsEnd
        case .left: self = .left
        case .connection: self = .connection(try Connection(&reader))
        case .ledger: self = .ledger(try LedgerCall(&reader))
        case .figures:
            self = .figures(
                Figures(
                    exchangesRunning: try reader.uint64(), connectionsOpen: try reader.uint64(),
                    olderProcesses: try reader.uint64()))
        case .prepared: self = .prepared
        case .serving: self = .serving
        case .failed: self = .failed(try reader.text())
        case .ledgerAnswer: self = .ledgerAnswer(try LedgerResult(&reader))
        case .stop: self = .stop(withinMilliseconds: try reader.int())
        }
        // Why not of a hello: its format comes first, and whatever else another version has is skipped.
        if case .hello = self { return }
        guard reader.isAtEnd else { throw .malformed }
    }
}

extension HandoverMessage.Hello {
    fileprivate func write(to out: inout HandoverWriter) {
        out.put(format)
        out.put(processID)
        out.put(version)
        out.put(generation)
        out.put(olderProcesses)
        out.put(measures) { out, measure in
            out.put(measure.identity)
            out.put(measure.id)
            out.put(measure.wasServed)
        }
    }

    fileprivate init(_ reader: inout HandoverReader) throws(HandoverError) {
        let format = try reader.uint32()
        guard format == HandoverMessage.protocolVersion else {
            throw HandoverError(
                message: "it speaks another form of the hand-over (\(format), and this one "
                    + "\(HandoverMessage.protocolVersion)); restart it instead")
        }
        self.init(
            processID: try reader.uint32(), version: try reader.text(), generation: try reader.uint64(),
            olderProcesses: try reader.uint32(),
            measures: try reader.list { (reader: inout HandoverReader) throws(HandoverError) in
                Measure(
                    identity: try reader.text(), id: try reader.uint32(), wasServed: try reader.flag())
            })
    }
}

extension HandoverMessage.Connection {
    fileprivate func write(to out: inout HandoverWriter) {
        out.put(listener)
        out.put(peerHigh)
        out.put(peerLow)
        out.put(UInt32(peerPort))
        out.put(isUnix)
        out.put(received)
    }

    fileprivate init(_ reader: inout HandoverReader) throws(HandoverError) {
        self.init(
            listener: try reader.text(), peerHigh: try reader.uint64(), peerLow: try reader.uint64(),
            peerPort: UInt16(truncatingIfNeeded: try reader.uint32()), isUnix: try reader.flag(),
            received: try reader.content())
    }
}

extension BucketImage {
    /// Bytes that one takes at most.
    static var sizeMax: Int { 64 + itemsMax * 16 }

    fileprivate func write(to out: inout HandoverWriter) {
        subject.write(to: &out)
        out.put(measureID)
        out.put(kind.rawValue)
        out.put(period.rawValue)
        out.put(reserved)
        out.put(times) { $0.put($1) }
        out.put(slots) { out, slot in
            out.put(slot.index)
            out.put(slot.amount)
        }
    }

    fileprivate init(_ reader: inout HandoverReader) throws(HandoverError) {
        self.init(
            subject: try LimitSubject(&reader), measureID: try reader.uint32(),
            kind: try reader.value(LedgerBucket.Kind.self),
            period: try reader.value(LimitMeasure.Period.self), reserved: try reader.uint64(),
            times: try reader.list { (reader: inout HandoverReader) throws(HandoverError) in
                try reader.uint64()
            },
            slots: try reader.list { (reader: inout HandoverReader) throws(HandoverError) in
                BucketState.Slot(index: try reader.uint64(), amount: try reader.uint64())
            })
    }
}

extension LimitSubject {
    fileprivate func write(to out: inout HandoverWriter) {
        out.put(high)
        out.put(low)
    }

    fileprivate init(_ reader: inout HandoverReader) throws(HandoverError) {
        self.init(high: try reader.uint64(), low: try reader.uint64())
    }
}

extension LedgerCallEntry {
    fileprivate func write(to out: inout HandoverWriter) {
        out.put(measureID)
        out.put(unit.rawValue)
        out.put(period.rawValue)
        for flag in [isShadow, growsInAnyCase, isBooked] { out.put(flag) }
        subject.write(to: &out)
        for number in [max, reserved, actual, admittedAt, used, nextIn, emptyIn] { out.put(number) }
    }

    fileprivate init(_ reader: inout HandoverReader) throws(HandoverError) {
        self.init(
            measureID: try reader.uint32(), unit: try reader.value(LimitMeasure.Unit.self),
            period: try reader.value(LimitMeasure.Period.self), isShadow: try reader.flag(),
            growsInAnyCase: try reader.flag(), isBooked: try reader.flag(),
            subject: try LimitSubject(&reader), max: try reader.uint64(), reserved: try reader.uint64(),
            actual: try reader.uint64(), admittedAt: try reader.uint64(), used: try reader.uint64(),
            nextIn: try reader.uint64(), emptyIn: try reader.uint64())
    }

    fileprivate static func list(_ reader: inout HandoverReader) throws(HandoverError) -> [LedgerCallEntry] {
        let entries = try reader.list { (reader: inout HandoverReader) throws(HandoverError) in
            try LedgerCallEntry(&reader)
        }
        guard entries.count <= Reservation.entriesMax else { throw .malformed }
        return entries
    }
}

extension LedgerCall {
    fileprivate func write(to out: inout HandoverWriter) {
        out.put(number)
        out.put(kind.rawValue)
        out.put(time.monotonic)
        out.put(time.realtime)
        out.put(entries) { $1.write(to: &$0) }
        for number in [charge.inputTokens, charge.outputTokens, charge.nanoUSD] { out.put(number) }
        out.put(force)
    }

    fileprivate init(_ reader: inout HandoverReader) throws(HandoverError) {
        self.init(
            number: try reader.uint64(), kind: try reader.value(Kind.self),
            time: LimitTime(monotonic: try reader.uint64(), realtime: try reader.uint64()),
            entries: try LedgerCallEntry.list(&reader),
            charge: LimitCharge(
                inputTokens: try reader.uint64(), outputTokens: try reader.uint64(),
                nanoUSD: try reader.uint64()),
            force: try reader.flag())
    }
}

extension LedgerResult {
    private enum Reason: UInt8 { case none, full, tooLarge, tooManySubjects }

    fileprivate func write(to out: inout HandoverWriter) {
        out.put(number)
        switch refusal?.reason {
        case nil: out.put(Reason.none.rawValue)
        case .full(let wait):
            out.put(Reason.full.rawValue)
            out.put(wait)
        case .tooLarge: out.put(Reason.tooLarge.rawValue)
        case .tooManySubjects: out.put(Reason.tooManySubjects.rawValue)
        }
        out.put(refusal?.entry ?? -1)
        out.put(usedUp ?? -1)
        out.put(entries) { $1.write(to: &$0) }
    }

    fileprivate init(_ reader: inout HandoverReader) throws(HandoverError) {
        let number = try reader.uint64()
        let reason: LimitRefusal.Reason?
        switch try reader.value(Reason.self) {
        case .none: reason = nil
        case .full: reason = .full(wait: try reader.uint64())
        case .tooLarge: reason = .tooLarge
        case .tooManySubjects: reason = .tooManySubjects
        }
        let entry = try reader.int()
        let usedUp = try reader.int()
        let entries = try LedgerCallEntry.list(&reader)
        guard reason == nil || entries.indices.contains(entry), usedUp < entries.count else {
            throw .malformed
        }
        self.init(
            number: number, refusal: reason.map { LimitRefusal(entry: entry, reason: $0) },
            usedUp: usedUp < 0 ? nil : usedUp, entries: entries)
    }
}
