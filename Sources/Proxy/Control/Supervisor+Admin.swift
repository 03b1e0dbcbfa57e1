import CLinux
import Glibc

/// What the admin endpoint answers.
extension Supervisor {
    /// The order is that of `GET /`.
    func adminRoutes() -> AdminRoutes {
        var routes = AdminRoutes()
        routes.get("/", "this list") { [unowned self] in admin.routes.list(asText: $0.wantsText) }
        routes.add("GET", "/status", "what the daemon is doing") { [unowned self] request, answer in
            running.take { [unowned self] running in
                let status = status(running)
                answer(
                    request.wantsText
                        ? .text(200, status.text) : AdminResponse(status: 200, body: status.json))
            }
        }
        routes.add("GET", "/generations", "configurations that are alive, and what runs by each") {
            [unowned self] request, answer in
            running.take { [unowned self] running in
                let report = GenerationsReport(driver.served, driver.older, running)
                answer(
                    request.wantsText
                        ? .text(200, report.text) : AdminResponse(status: 200, body: report.json))
            }
        }
        routes.add("POST", "/reload", "reads the files again and says what came of it") {
            [unowned self] request, answer in
            reload { report in
                let status = report.result == .failed ? 422 : 200
                answer(
                    request.wantsText
                        ? .text(status, report.text) : AdminResponse(status: status, body: report.json))
            }
        }
        routes.add(
            "POST", "/plan", "says what a reload would change, of the file or of one that is sent",
            bodyMax: ReloadPreview.fileBytesMax
        ) { [unowned self] request, answer in plan(request, answer) }
        routes.add("POST", "/upgrade", "starts the program's file anew and hands all that is new over to it")
        {
            [unowned self] request, answer in
            beginUpgrade { outcome in answer(self.response(to: request, outcome)) }
        }
        routes.get("/exchanges/{request_id}", "what became of a request") { [unowned self] in
            exchange(id: $0.parameter, asText: $0.wantsText)
        }
        routes.get("/livez", "whether the process runs", access: .everybody) {
            $0.wantsText ? .text(200, "ok") : AdminResponse(status: 200, body: #"{"status":"ok"}"#)
        }
        routes.get("/readyz", "whether new requests should come here", access: .everybody) {
            [unowned self] in readiness.response(to: $0)
        }
        routes.get("/healthz", "whether all that requests need is there; ?verbose says more") {
            [unowned self] in
            HealthReport(driver: driver, readiness: readiness, now: headgate_monotonic_ns()).response(to: $0)
        }
        routes.get("/metrics", "all that is counted, for Prometheus", access: .metrics) {
            [unowned self] _ in
            AdminResponse(status: 200, contentType: MetricsText.contentType, body: metrics().bytes)
        }
        return routes
    }

    /// What became of a request.
    /// - Parameter asText: for people; else JSON.
    private func exchange(id: String, asText: Bool) -> AdminResponse {
        let story = ExchangeStory(id: id, recent: writer.recent, running: exchangesRunning)
        let status = story.isFound ? 200 : 404
        return asText ? .text(status, story.text) : AdminResponse(status: status, body: story.json)
    }

    private func response(to request: AdminRequest, _ outcome: Upgrade.Outcome) -> AdminResponse {
        let (status, text, successor): (Int, String, pid_t?) =
            switch outcome {
            case .done(let processID):
                (
                    200,
                    "process \(processID) serves; process \(getpid()) finishes "
                        + counted(exchangesRunning, "request"), processID
                )
            case .failed(let reason): (422, "no upgrade: \(reason)\nprocess \(getpid()) goes on serving", nil)
            }
        guard !request.wantsText else { return .text(status, text) }
        var json = JSONText()
        json.object { json in
            json.string("result", successor == nil ? "failed" : "upgraded")
            json.number("pid", successor ?? getpid())
            json.number("requests_running", exchangesRunning)
            json.string("text", text)
        }
        return AdminResponse(status: status, body: json.text)
    }

    private var readiness: ReadyState {
        let phase: ReadyState.Phase =
            switch phase {
            case .starting: .starting
            case .serving: .serving
            case .leaving, .stopping, .finished: .stopping
            }
        return ReadyState(phase: phase, driver: driver, now: headgate_monotonic_ns())
    }

    private func metrics() -> MetricsReport {
        MetricsReport(
            version: options.version, startedAt: startedAt, clock: headgate_realtime_ns(),
            now: headgate_monotonic_ns(), isReady: readiness.isReady, reloads: reloads,
            process: ProcessFigures(), driver: driver, writer: writer)
    }

    /// A file comes as the body, `file` is what messages call it, and relative paths in it start from
    /// `folder`.
    private func plan(_ request: AdminRequest, _ answer: @escaping AdminRoutes.Answer) {
        var loader = driver.loader
        if !request.body.isEmpty || request.query["file"] != nil {
            loader = ConfigLoader(
                text: request.body, display: request.query["file"] ?? "the file",
                folder: request.query["folder"] ?? loader.folder, settings: loader.settings)
        }
        let trial = driver.trial(loader)
        // Why the census last: streams that begin meanwhile are in it.
        running.take { [unowned self] running in
            guard let preview = driver.preview(trial, running) else {
                return answer(.error(503, "nothing is served yet"))
            }
            let status = preview.result == .failed ? 422 : 200
            answer(
                request.wantsText
                    ? .text(status, preview.text) : AdminResponse(status: status, body: preview.json))
        }
    }
}
