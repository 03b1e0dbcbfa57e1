/// What cannot work inside an upstream or a route, beyond single values.
extension Validation {
    func checkUpstreams() {
        for upstream in config.upstreams {
            let path = ConfigPath.key(.key(.root, "upstreams"), upstream.name)
            guard reading.isSound(path) else { continue }
            let hasTLSKey = reading.node(at: .key(path, "tls")) != nil
            if hasTLSKey, !upstream.endpoints.contains(where: { $0.url.scheme == .https }) {
                let tls = ConfigPath.key(path, "tls")
                let message = "`\(tls.text)` has no effect: no endpoint is https"
                reading.note(
                    .error, message, hint: "remove it, or write `https://`", at: reading.keySpan(of: tls),
                    path: tls)
            }
            checkName(upstream, path)
            checkBalance(upstream, path)
            var seen: Set<String> = []
            for (index, endpoint) in upstream.endpoints.enumerated() {
                let url = "\(endpoint.url.scheme)://\(endpoint.url.authority)\(endpoint.url.basePath)"
                guard !seen.insert(url).inserted, !reading.isFull else { continue }
                let place = ConfigPath.index(.key(path, "endpoints"), index)
                reading.note(
                    .error, "`\(place.text)` is listed twice", at: reading.span(of: place), path: place)
            }
            checkClocks(upstream.timeouts, at: .key(path, "timeouts"))
            if upstream.maxInFlight == nil && upstream.queue.max > 0 {
                let queue = ConfigPath.key(path, "queue")
                let message = "`\(queue.text)` has no effect: `max_in_flight` is off"
                reading.note(
                    .warning, message, hint: "set `max_in_flight`", at: reading.keySpan(of: queue),
                    path: queue)
            }
        }
    }

    private func checkName(_ upstream: UpstreamConfig, _ path: ConfigPath) {
        guard upstream.name == RouteConfig.modelsWord else { return }
        let message =
            "`\(path.text)` cannot be named so: `to: models` means whatever `models` says of a request's model"
        reading.note(
            .error, message, hint: "give it another name", at: reading.keySpan(of: path), path: path)
    }

    private func checkBalance(_ upstream: UpstreamConfig, _ path: ConfigPath) {
        let place = ConfigPath.key(path, "balance")
        guard upstream.endpoints.count == 1, reading.node(at: place) != nil else { return }
        let message = "`\(place.text)` has no effect: there is one endpoint"
        reading.note(
            .warning, message, hint: "list several in `endpoints`", at: reading.keySpan(of: place),
            path: place)
    }

    func checkClocks(_ timeouts: UpstreamTimeoutsConfig, at path: ConfigPath) {
        guard let total = timeouts.total, reading.isSound(path) else { return }
        let clock =
            total < timeouts.firstByte ?? .zero ? "first_byte" : total < timeouts.connect ? "connect" : nil
        guard let clock else { return }
        // Why without the values: they may come from variables.
        let place = ConfigPath.key(path, "total")
        let message = "`\(path.text)`: `total` is over before `\(clock)`, which therefore never ends anything"
        reading.note(
            .warning, message, hint: "raise `total` or lower `\(clock)`", at: reading.span(of: place),
            path: place)
    }
}
