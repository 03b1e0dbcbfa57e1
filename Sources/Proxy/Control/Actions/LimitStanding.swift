/// How somebody stands with one number of a limit.
struct LimitStanding: Equatable {
    /// Of the limit; of the entry of `auth` where the number is the caller's own.
    let name: String
    /// `requests_per_minute`
    let key: String
    let unit: LimitMeasure.Unit
    let period: LimitMeasure.Period
    /// In the unit, as `used`, which may be more: a debt.
    let max: UInt64
    /// Settled and reserved.
    let used: UInt64
    /// Nanoseconds until some of it comes back; 0 where nothing is used; nil of `concurrent`: nobody knows.
    let resetIn: UInt64?

    var remaining: UInt64 { used < max ? max - used : 0 }
}

extension LimitStanding {
    /// With every number that is about the requester alone; takes nothing from any of them. As in the fields
    /// of answers, nobody is told of `mode: shadow`.
    static func all(
        _ limits: [LimitPlan], of request: ActionRequest, in ledger: Ledger, at time: LimitTime
    ) -> [LimitStanding] {
        let own = request.caller?.requestsPerMinute ?? 0
        var standings: [LimitStanding] = []
        for limit in limits where limit.subject.areOfCaller {
            let subject = LimitSubject(
                of: limit.subject, caller: request.caller, auth: request.auth, address: request.clientAddress)
            for measure in limit.measures where !measure.isShadow {
                if own > 0 && limit.givesWayToOwn && measure.isRequestsPerMinute { continue }
                standings.append(LimitStanding(measure, subject, max: measure.max, in: ledger, at: time))
            }
        }
        guard own > 0, let caller = request.caller, let auth = request.auth else { return standings }
        return standings + [
            LimitStanding(auth.ownMeasure, caller.rateSubject, max: UInt64(own), in: ledger, at: time)
        ]
    }

    private init(
        _ measure: LimitMeasure, _ subject: LimitSubject, max: UInt64, in ledger: Ledger, at time: LimitTime
    ) {
        let found = ledger.peek(measure: measure, subject: subject, max: max, at: time)
        self.init(
            name: String(decoding: measure.limitName.bytes, as: UTF8.self),
            key: String(decoding: measure.keyName.bytes, as: UTF8.self), unit: measure.unit,
            period: measure.period, max: max, used: found.used,
            resetIn: measure.unit == .concurrent ? nil : found.nextIn)
    }
}

extension LimitMeasure.Period {
    /// nil: a calendar month, whose length differs, or no window.
    var seconds: Int64? {
        switch self {
        case .second: 1
        case .minute: 60
        case .hour: 3600
        case .day: 86_400
        case .month, .none: nil
        }
    }
}
