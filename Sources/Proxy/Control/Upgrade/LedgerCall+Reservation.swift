extension Reservation {
    /// As the other process is told.
    var callEntries: [LedgerCallEntry] {
        (0..<count).map { index in
            let entry = self[index]
            return LedgerCallEntry(
                measureID: entry.measureID, unit: entry.unit, period: entry.period, isShadow: entry.isShadow,
                growsInAnyCase: entry.growsInAnyCase, isBooked: entry.isBooked, subject: entry.subject,
                max: entry.max, reserved: entry.reserved, actual: entry.actual, admittedAt: entry.admittedAt,
                used: entry.used, nextIn: entry.nextIn, emptyIn: entry.emptyIn)
        }
    }

    /// What the other process has filled in. Of the same entries, in their order.
    func take(_ answered: [LedgerCallEntry]) {
        guard answered.count == count else { return }
        for (index, entry) in answered.enumerated() {
            self[index].reserved = entry.reserved
            self[index].isBooked = entry.isBooked
            self[index].admittedAt = entry.admittedAt
            self[index].used = entry.used
            self[index].nextIn = entry.nextIn
            self[index].emptyIn = entry.emptyIn
        }
    }

    /// As the other process has it.
    /// - Parameter measure: by the entry; the caller keeps it.
    func add(_ entry: LedgerCallEntry, _ measure: LimitMeasure) {
        add(measure, entry.subject, amount: entry.reserved, max: entry.max)
        self[count - 1].growsInAnyCase = entry.growsInAnyCase
        self[count - 1].isBooked = entry.isBooked
        self[count - 1].actual = entry.actual
        self[count - 1].admittedAt = entry.admittedAt
    }
}
