/// The part of `headgate status` about limits that are near their end: the subjects that have used most.
struct FullLimits {
    /// From here on, in thousandths of the limit.
    static let permilleMin: UInt64 = 800
    static let subjectsMax = 20

    struct Line: Equatable {
        let limit: String
        let key: String
        /// As far as it is no secret: a caller's label, an address.
        let subject: String
        let used: String
        let max: String
        /// Of the limit, rounded down; above 100 where running requests came to more than was reserved.
        let percent: UInt64
    }

    /// The fullest first.
    let lines: [Line]
    /// Counts that were not looked at.
    let unseen: Int

    static let none = FullLimits(lines: [], unseen: 0)

    private init(lines: [Line], unseen: Int) {
        self.lines = lines
        self.unseen = unseen
    }

    /// - Parameter limits: as they are served.
    init(_ limits: [LimitPlan], _ ledger: Ledger, _ names: LimitSubjectNames, at time: LimitTime = .now) {
        var measures: [UInt32: (limit: LimitPlan, measure: LimitMeasure)] = [:]
        for limit in limits { for measure in limit.measures { measures[measure.id] = (limit, measure) } }
        guard !measures.isEmpty else {
            (lines, unseen) = ([], 0)
            return
        }
        let survey = ledger.survey(
            maxima: measures.mapValues(\.measure.max), permilleMin: FullLimits.permilleMin,
            fullestMax: FullLimits.subjectsMax, at: time)
        unseen = survey.unseen
        let wanted = survey.fullest.compactMap { full in measures[full.measureID].map { (full, $0) } }
        let subjects = names.find(wanted.map { ($0.0.subject, $0.1.limit.subject) })
        lines = wanted.map { full, known in
            let unit = known.measure.unit
            return Line(
                limit: String(decoding: known.limit.name.bytes, as: UTF8.self),
                key: String(decoding: known.measure.keyName.bytes, as: UTF8.self),
                subject: subjects[full.subject] ?? LimitSubjectNames.unnamed(full.subject),
                used: unit.plain(full.used), max: unit.plain(full.max), percent: full.permille / 10)
        }
    }

    /// For people.
    var textLines: [String] {
        let shown = lines.map { line in
            "nearly used \(line.limit) \(line.key): \(line.used) of \(line.max) (\(line.percent) %) "
                + "by \(line.subject)"
        }
        return unseen > 0 ? shown + ["nearly used and \(counted(unseen, "count")) not looked at"] : shown
    }

    func append(to json: inout JSONText) {
        json.array("limits_nearly_used") { json in
            for line in lines {
                json.object { json in
                    json.string("limit", line.limit)
                    json.string("key", line.key)
                    json.string("subject", line.subject)
                    json.raw("used", line.used)
                    json.raw("max", line.max)
                    json.number("percent", line.percent)
                }
            }
        }
        json.number("limit_subjects_unseen", unseen)
    }
}
