import CLinux
import Config
import Synchronization

/// `GET /metrics`: all that is counted, read once. Labels are names of the configuration and words of ours
/// alone, so that nobody who sends requests can make new ones.
struct MetricsReport {
    let version: String
    /// Nanoseconds since 1970.
    let startedAt: UInt64
    /// Nanoseconds since 1970, and the same moment by the monotonic clock.
    let clock: UInt64
    let now: UInt64
    let isReady: Bool
    let reloads: ReloadFigures
    let process: ProcessFigures
    let driver: ReloadDriver
    let writer: RecordWriter

    var bytes: [UInt8] {
        var text = MetricsText()
        appendProcess(&text)
        appendGenerations(&text)
        appendConnections(&text)
        if let generation = driver.served?.generation {
            let routes = generation.routeFigures + [generation.unrouted].compactMap { $0 }
            RouteMetrics(routes: routes).append(to: &text)
            LimitMetrics(limits: generation.limits, subjectCount: driver.workers.ledger.subjectCount)
                .append(to: &text)
            UpstreamMetrics(upstreams: generation.upstreams, now: now).append(to: &text)
        }
        appendErrors(&text)
        appendSources(&text)
        appendRecords(&text)
        return text.bytes
    }

    private var workers: [WorkerHandle] { driver.workers.handles }

    private func sum(_ figure: (WorkerFigures) -> UInt64) -> UInt64 {
        workers.reduce(0) { $0 + figure($1.figures) }
    }

    // MARK: - The process

    private func appendProcess(_ text: inout MetricsText) {
        text.family("headgate_build_info", .gauge, "The version that runs; always 1.")
        text.sample(MetricsText.labels(("version", version)), 1)
        text.family("headgate_ready", .gauge, "1 if /readyz says so.")
        text.sample(isTrue: isReady)
        text.family("process_start_time_seconds", .gauge, "When the process began, since 1970.")
        text.sample(nanoseconds: startedAt)
        text.family("process_cpu_seconds_total", .counter, "Processor time of all threads.")
        text.sample(nanoseconds: process.processorTime)
        text.family("process_resident_memory_bytes", .gauge, "Memory in use.")
        text.sample(process.residentBytes)
        text.family("process_open_fds", .gauge, "Open file descriptors.")
        text.sample(process.openDescriptors)
        text.family("process_max_fds", .gauge, "File descriptors that there may be.")
        text.sample(process.descriptorsMax)
        text.family(
            "headgate_worker_longest_turn_seconds", .gauge,
            "Longest turn of a worker's loop since the start, the wait left out.")
        for worker in workers {
            let labels = MetricsText.labels(("worker", "\(worker.index)"))
            text.sample(labels, nanoseconds: worker.figures.longestTurn.load(ordering: .relaxed))
        }
    }

    // MARK: - Generations

    private func appendGenerations(_ text: inout MetricsText) {
        let desired = driver.served?.generation.number ?? 0
        let active = workers.map { $0.adoptedGeneration.load(ordering: .relaxed) }.min() ?? 0
        text.family("headgate_generation_desired", .gauge, "Number of the generation that was published.")
        text.sample(desired)
        text.family("headgate_generation_active", .gauge, "The oldest that a worker gives new requests.")
        text.sample(active)
        text.family(
            "headgate_generations_draining", .gauge, "Replaced generations whose last request still runs.")
        text.sample(UInt64(clamping: driver.olderGenerations))
        text.family("headgate_reloads_total", .counter, "Reloads by what came of them.")
        for (result, count) in [
            ("reloaded", reloads.reloaded), ("unchanged", reloads.unchanged), ("failed", reloads.failed),
        ] {
            text.sample(MetricsText.labels(("result", result)), count)
        }
        text.family(
            "headgate_last_reload_successful", .gauge, "0 if the file on disk is not what is served.")
        text.sample(isTrue: !reloads.hasFailedLast)
        text.family(
            "headgate_last_reload_timestamp_seconds", .gauge, "When the last reload ended, since 1970.")
        text.sample(nanoseconds: reloads.lastAt)
        text.family("headgate_config_age_seconds", .gauge, "How long the configuration has been served.")
        let since = driver.served?.since ?? clock
        text.sample(nanoseconds: clock - min(clock, since))
    }

    // MARK: - Connections and requests that run

    private func appendConnections(_ text: inout MetricsText) {
        text.family("headgate_connections_accepted_total", .counter, "Client connections.")
        text.sample(sum { $0.connectionsAccepted.load(ordering: .relaxed) })
        text.family("headgate_connections_shed_total", .counter, "Client connections above max_connections.")
        text.sample(sum { $0.connectionsShed.load(ordering: .relaxed) })
        text.family("headgate_accept_failures_total", .counter, "Connections that could not be accepted.")
        text.sample(sum { $0.acceptFailures.load(ordering: .relaxed) })
        text.family("headgate_connections_open", .gauge, "Client connections, by listener.")
        for listener in driver.served?.generation.listeners ?? [] {
            let count = listener.connections.count.load(ordering: .relaxed)
            text.sample(MetricsText.labels(("listener", listener.name)), UInt64(clamping: count))
        }
        text.family("headgate_requests_running", .gauge, "Requests that run.")
        text.sample(sum { UInt64(clamping: $0.exchangesRunning.load(ordering: .relaxed)) })
        text.family("headgate_streams_running", .gauge, "Requests whose answer is a stream of events.")
        text.sample(sum { UInt64(clamping: $0.streamsRunning.load(ordering: .relaxed)) })
    }

    private func appendErrors(_ text: inout MetricsText) {
        text.family(
            "headgate_errors_total", .counter, "Errors that the gateway answered itself, by their code.")
        var counts: [String: UInt64] = [:]
        for reply in LocalReply.allCases {
            counts["\(reply.properties.code)", default: 0] += sum { $0.replies.sum(Int(reply.rawValue)) }
        }
        for (code, count) in counts.sorted(by: { $0.key < $1.key }) {
            text.sample(MetricsText.labels(("code", code)), count)
        }
    }

    // MARK: - Where callers and keys come from

    private func appendSources(_ text: inout MetricsText) {
        let entries = driver.auth.served.entries.values.sorted { $0.name < $1.name }
        text.family("headgate_auth_problem", .gauge, "1 if the source of an auth entry cannot be read.")
        for entry in entries {
            text.sample(MetricsText.labels(("auth", entry.name)), isTrue: entry.problem != nil)
        }
        text.family(
            "headgate_auth_in_doubt", .gauge,
            "1 if that lasts longer than max_stale, so that unknown credentials get 503.")
        for entry in entries {
            text.sample(
                MetricsText.labels(("auth", entry.name)), isTrue: entry.callers.isInDoubt(now: now))
        }
        text.family("headgate_store_problem", .gauge, "1 if a store cannot be read, or not be written.")
        for store in driver.auth.served.stores.values.sorted(by: { $0.name < $1.name }) {
            let hasProblem = store.keeper.problem != nil || store.keeper.writeProblem != nil
            text.sample(MetricsText.labels(("store", store.name)), isTrue: hasProblem)
        }
        text.family(
            "headgate_key_source_problems", .gauge, "What is wrong with sources of upstream keys, in number.")
        for (name, entry) in driver.keys.served.sorted(by: { $0.key < $1.key }) {
            guard let chain = entry.chain else { continue }
            text.sample(MetricsText.labels(("upstream", name)), UInt64(chain.problems.count))
        }
    }

    // MARK: - Records

    private func appendRecords(_ text: inout MetricsText) {
        text.family("headgate_records_total", .counter, "Records of the access log, by what came of them.")
        let dropped = workers.reduce(0) { $0 + $1.records.dropped.load(ordering: .relaxed) }
        text.sample(MetricsText.labels(("result", "written")), writer.written.load(ordering: .relaxed))
        text.sample(MetricsText.labels(("result", "lost")), writer.lost.load(ordering: .relaxed))
        text.sample(MetricsText.labels(("result", "dropped")), dropped)
        let usage = driver.usage.status
        text.family("headgate_usage_records_total", .counter, "Records of usage, by what came of them.")
        text.sample(MetricsText.labels(("result", "written")), UInt64(clamping: usage.figures.written))
        text.sample(MetricsText.labels(("result", "lost")), UInt64(clamping: usage.figures.lost))
        text.sample(MetricsText.labels(("result", "dropped")), UInt64(clamping: usage.dropped))
    }
}
