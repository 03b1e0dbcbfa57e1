/// How full limits are, over all subjects.
struct LedgerSurvey {
    struct Subject: Equatable, Sendable {
        let measureID: UInt32
        let subject: LimitSubject
        /// Settled and reserved, in the measure's unit.
        let used: UInt64
        /// At least 1.
        let max: UInt64

        /// Thousandths of the limit; 1000 and more: nothing is left.
        var permille: UInt64 {
            let (product, overflow) = used.multipliedReportingOverflow(by: 1000)
            return overflow ? used / max &* 1000 : product / max
        }
    }

    /// Subjects that something counts of, by measure.
    fileprivate(set) var subjects: [UInt32: Int] = [:]
    /// The fullest first.
    fileprivate(set) var fullest: [Subject] = []
    /// Counts that were not looked at: there are more.
    fileprivate(set) var unseen = 0
}

extension Ledger {
    /// Counts that are looked at under one lock, which workers wait for.
    static let surveyedPerShard = 4096

    /// - Parameters:
    ///   - maxima: of the measures whose fullest subjects are wanted, by id.
    ///   - permilleMin: how full they have to be.
    ///   - fullestMax: how many of them are returned.
    func survey(
        maxima: [UInt32: UInt64] = [:], permilleMin: UInt64 = 800, fullestMax: Int = 20, at time: LimitTime
    ) -> LedgerSurvey {
        var survey = LedgerSurvey()
        for index in 0..<shardCount {
            self.survey(shards + index, maxima, permilleMin, at: time, into: &survey)
            // Why now and then: what is kept must not grow with the subjects.
            if survey.fullest.count > 4 * fullestMax { survey.keepFullest(fullestMax) }
        }
        survey.keepFullest(fullestMax)
        return survey
    }

    private func survey(
        _ shard: UnsafeMutablePointer<LedgerShard>, _ maxima: [UInt32: UInt64], _ permilleMin: UInt64,
        at time: LimitTime, into survey: inout LedgerSurvey
    ) {
        shard.pointee.lock(at: time)
        defer { shard.pointee.unlock() }
        let count = shard.pointee.table.count
        survey.unseen += max(0, count - Ledger.surveyedPerShard)
        for index in 0..<min(count, Ledger.surveyedPerShard) {
            let bucket = shard.pointee.table[index]
            bucket.pointee.expire(shard.pointee.clock.window(of: bucket.pointee.period, bucket.pointee.kind))
            guard bucket.pointee.used > 0 else { continue }
            survey.subjects[bucket.pointee.measureID, default: 0] += 1
            guard let max = maxima[bucket.pointee.measureID] else { continue }
            let subject = LedgerSurvey.Subject(
                measureID: bucket.pointee.measureID, subject: bucket.pointee.subject,
                used: bucket.pointee.used, max: max)
            if subject.permille >= permilleMin { survey.fullest.append(subject) }
        }
    }
}

extension LedgerSurvey {
    fileprivate mutating func keepFullest(_ count: Int) {
        fullest.sort { $0.permille > $1.permille }
        if fullest.count > count { fullest.removeLast(fullest.count - count) }
    }
}

extension LedgerClock {
    /// As amounts of the kind are kept.
    fileprivate func window(of period: LimitMeasure.Period, _ kind: LedgerBucket.Kind) -> LimitWindow {
        switch kind {
        case .log: logWindow(of: period)
        case .slots, .concurrent: window(of: period)
        }
    }
}
