import Config

/// What requests are counted in, for one configuration.
struct FigureSet {
    /// In the order of the configuration's routes.
    let routes: [RouteFigures]
    /// The same, each once.
    let allRoutes: [RouteFigures]
    /// Of requests that no route takes.
    let unrouted: RouteFigures
    /// By name.
    let upstreams: [String: UpstreamFigures]
}

/// Gives a route and an upstream the same figures in every generation, by its name, so that what is counted
/// never goes back. Keeps them for the life of the process, `namesMax` of each kind; who comes later is
/// counted together as `(other)`.
///
/// Belongs to the control thread.
final class FigureRegistry {
    static let namesMax = 1000
    static let otherLabel = "(other)"
    static let unroutedLabel = "(none)"

    private var routes: [String: RouteFigures] = [:]
    private var upstreams: [String: UpstreamFigures] = [:]

    /// Changes nothing that is served.
    /// - Parameter workers: the same in the life of the process.
    func figures(of config: GatewayConfig, workers: Int) -> FigureSet {
        let found = config.routes.map { route($0.label, workers) }
        var seen: Set<ObjectIdentifier> = []
        let all = found.filter { seen.insert(ObjectIdentifier($0)).inserted }
        var byUpstream: [String: UpstreamFigures] = [:]
        for upstream in config.upstreams { byUpstream[upstream.name] = self.upstream(upstream.name, workers) }
        return FigureSet(
            routes: found, allRoutes: all, unrouted: route(FigureRegistry.unroutedLabel, workers),
            upstreams: byUpstream)
    }

    private func route(_ label: String, _ workers: Int) -> RouteFigures {
        if let known = routes[label] { return known }
        let isSpecial = label == FigureRegistry.otherLabel || label == FigureRegistry.unroutedLabel
        guard isSpecial || routes.count < FigureRegistry.namesMax else {
            return route(FigureRegistry.otherLabel, workers)
        }
        let new = RouteFigures(label: label, workers: workers)
        routes[label] = new
        return new
    }

    private func upstream(_ name: String, _ workers: Int) -> UpstreamFigures {
        if let known = upstreams[name] { return known }
        guard name == FigureRegistry.otherLabel || upstreams.count < FigureRegistry.namesMax else {
            return upstream(FigureRegistry.otherLabel, workers)
        }
        let new = UpstreamFigures(workers: workers)
        upstreams[name] = new
        return new
    }
}
