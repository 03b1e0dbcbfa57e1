/// All routes of a generation, findable by path. File order decides: the first route whose conditions all hold.
struct RouteTable: Sendable {
    let routes: [RoutePlan]

    init(routes: [RoutePlan]) {
        self.routes = routes
    }
}
