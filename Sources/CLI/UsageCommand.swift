import Config
import Glibc
import JSON
import Proxy
import Stores

/// `headgate usage [--by WHAT] [--since DAY] [--until DAY] [--csv|--json]`
enum UsageCommand {
    static let options = StoreCommand.options + ["--by=", "--since=", "--until=", "--csv"]

    static let help = """
        usage: headgate usage [--by WHAT] [--since DAY] [--until DAY] [--csv|--json]

        Shows what was used, from the store that the config file names by `usage`, with the daemon running or
        not. What was used in the last second may be missing. Days are those of UTC.

        USD is what the prices in `models` come to; models without a price come to nothing. FAILED are
        requests that were answered by an error, or not to the end; ESTIMATED are those whose tokens nobody
        reported. CACHED is a part of INPUT.

          --by WHAT           key (default), user, model, day or upstream
          --since DAY         the first day: 2026-03-01, or so many days with today: 7d (default: 30 days up to
                              the last one)
          --until DAY         the last day: 2026-03-31, or so many days ago: 7d (default today)
          --csv               lines for a spreadsheet, without the total; a name that begins with = + - @ or '
                              has a ' before it, lest it be taken for a formula. In the table, names of more
                              than \(UsageTable.nameWidthMax) characters are cut
        \(StoreCommand.optionsHelp)

        exit: 0 done (also where nothing was used), 1 not, 2 wrong command line
        """

    private static let secondsPerDay = UsageSubject.secondsPerDay
    private static let daysByDefault: Int64 = 30

    static func run(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.perform(command, target: target) { target in
            guard !(command.has("--csv") && command.isJSON) else {
                throw CommandLineError(message: "`--csv` and `--json` exclude each other")
            }
            let grouping = try grouping(command["--by"])
            let days = try days(command, now: Int64(time(nil)))
            let store = try target.open()
            defer { store.close() }
            let table = UsageTable(
                try store.usage(by: grouping, days: days), by: grouping, ownAuth: ownAuth(target))
            return outcome(table, days, isCSV: command.has("--csv"))
        }
    }

    private static func outcome(
        _ table: UsageTable, _ days: ClosedRange<Int64>, isCSV: Bool
    ) -> StoreCommand.Outcome {
        let (since, until) = (UsageTable.dayText(days.lowerBound), UsageTable.dayText(days.upperBound))
        let period = since == until ? "on \(since)" : "from \(since) to \(until)"
        let isEmpty = table.lines.isEmpty
        let text = isCSV ? table.csv : isEmpty ? "no usage \(period)" : table.text
        return StoreCommand.Outcome(text, remark: isCSV || isEmpty ? nil : "\(period), UTC") { json in
            json.member("since", since)
            json.member("until", until)
            table.write(&json)
        }
    }

    /// The store that the file names by `usage`, unless another is named.
    private static func target(_ command: CommandLineArguments) throws(CommandLineError) -> StoreTarget {
        guard command["--db"] == nil, command["--store"] == nil, let file = try ConfigFile.find(command)
        else {
            return try StoreTarget(command)
        }
        guard let usage = file.config.usage else {
            let first = file.config.stores.first?.name
            let advice =
                first.map { "add `usage: \($0)` to it" }
                ?? "add `stores: { main: headgate.db }` and `usage: main` to it"
            throw CommandLineError(
                message: "\(file.path) has no `usage`, so what is used is not written down; \(advice)",
                exitCode: ExitCode.failure)
        }
        return try StoreTarget(usage.store, in: file)
    }

    /// Entries of `auth` whose users are those of the store; nil: nobody knows, so all are taken to be.
    private static func ownAuth(_ target: StoreTarget) -> Set<String>? {
        guard let named = target.named else { return nil }
        return Set(
            named.file.config.auth.filter { $0.mode.store == named.config.name }.map(\.name))
    }

    static func grouping(_ word: String?) throws(CommandLineError) -> UsageGrouping {
        guard let word else { return .key }
        guard let grouping = UsageGrouping(rawValue: word) else {
            let words = UsageGrouping.allCases.map(\.rawValue)
            let hint = CommandLineArguments.nearest(to: word, among: words).map { "; did you mean `\($0)`?" }
            let list = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
            throw CommandLineError(
                message: "`--by` takes \(list), not `\(Terminal.printable(word))`" + (hint ?? ""))
        }
        return grouping
    }

    /// - Parameter now: seconds since 1970.
    static func days(
        _ command: CommandLineArguments, now: Int64
    ) throws(CommandLineError) -> ClosedRange<Int64> {
        let last = try day(command["--until"] ?? "0d", of: "--until", now: now)
        guard let since = command["--since"] else { return last - (daysByDefault - 1)...last }
        // Why one less: today is one of so many days.
        let isDay = !since.hasSuffix("d") || UTCTime.durationSeconds(since) == 0
        let first = try day(since, of: "--since", now: now) + (isDay ? 0 : 1)
        guard first <= last else {
            throw CommandLineError(
                message:
                    "`--since` (\(UsageTable.dayText(first))) is after `--until` (\(UsageTable.dayText(last)))"
            )
        }
        return first...last
    }

    private static func day(_ text: String, of option: String, now: Int64) throws(CommandLineError) -> Int64 {
        if let ago = UTCTime.durationSeconds(text), text.hasSuffix("d") { return day(now - ago) }
        if text.utf8.count == 10, let seconds = UTCTime.seconds(text) { return day(seconds) }
        throw CommandLineError(
            message: "`\(option)` takes a day, such as 2026-03-01, or so many days, such as 7d, "
                + "not `\(Terminal.printable(text))`")
    }

    /// Of the moment, before 1970 as well.
    private static func day(_ seconds: Int64) -> Int64 {
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: secondsPerDay)
        return rest < 0 ? days - 1 : days
    }
}
