/// What the service manager is told and given.
extension Supervisor {
    func keepSockets() {
        store.keep(driver.listening.map { (address: $0.0.bind, descriptor: $0.1.descriptor) })
        for item in driver.sockets.inherited.closeRest() {
            let place = item.address?.text ?? "descriptor \(item.descriptor)"
            Log.info("let go of a socket that no listener names: \(place)")
        }
    }

    /// Before whoever asked for the reload is answered, so that `systemctl reload` ends in the state that it
    /// reports.
    func tellReady() {
        guard service.manager.isThere, succession?.hasLeft ?? true else { return }
        service.ready(serviceStatus)
        if let delay = service.turnMilliseconds, !loop.isRunning(.serviceTurn) {
            loop.start(.serviceTurn, afterMilliseconds: delay)
        }
    }

    func serviceTurn() {
        service.turn(workers, serviceStatus)
        if let delay = service.turnMilliseconds { loop.start(.serviceTurn, afterMilliseconds: delay) }
    }

    /// One line, for `systemctl status`.
    var serviceStatus: String {
        let running = counted(exchangesRunning, "request") + " running"
        guard !isStopping else { return "Stopping, \(running)" }
        var text = "Serving generation \(driver.served?.generation.number ?? 0), \(running)"
        if let failure = driver.pendingFailure {
            text += "; last reload FAILED: \(failure.headline)"
        }
        return text
    }

    var exchangesRunning: Int {
        workers.handles.reduce(0) { $0 + $1.figures.exchangesRunning.load(ordering: .relaxed) }
    }
}
