/// What the admin endpoint answers: one line for each method and path.
struct AdminRoutes {
    typealias Answer = (AdminResponse) -> Void

    /// Who may ask over TCP. Whoever may open the Unix socket may ask for everything.
    enum Access: Equatable {
        /// Whoever has the token.
        case token
        /// Whoever has the token; everybody, where `admin.metrics` is `open`.
        case metrics
        /// Everybody: says no more than whether all is well.
        case everybody
    }

    struct Route {
        let method: String
        /// A segment of the kind `{name}` stands for any one that is not empty.
        let path: String
        /// For people, in a few words.
        let summary: String
        let access: Access
        /// Bytes of a request's body.
        let bodyMax: Int
        /// Calls back exactly once, at once or later, on the control thread.
        let handler: (AdminRequest, @escaping Answer) -> Void
    }

    enum Found {
        case route(Route, parameter: String)
        /// There is that path for other methods.
        case otherMethod(allowed: [String])
        case nothing
    }

    /// A body that nobody reads: taken, so that closing on it does not take the answer away.
    static let unreadBodyMax = 16 << 10

    private(set) var all: [Route] = []

    /// Answered at once.
    mutating func get(
        _ path: String, _ summary: String, access: Access = .token,
        _ handler: @escaping (AdminRequest) -> AdminResponse
    ) {
        add("GET", path, summary, access: access) { request, answer in answer(handler(request)) }
    }

    /// - Parameter bodyMax: bytes; more is answered by 413.
    mutating func add(
        _ method: String, _ path: String, _ summary: String, access: Access = .token,
        bodyMax: Int = AdminRoutes.unreadBodyMax,
        _ handler: @escaping (AdminRequest, @escaping Answer) -> Void
    ) {
        all.append(
            Route(
                method: method, path: path, summary: summary, access: access, bodyMax: bodyMax,
                handler: handler))
    }

    func find(_ request: AdminRequest) -> Found {
        var allowed: [String] = []
        for route in all {
            guard let parameter = AdminRoutes.fits(route.path, request.path) else { continue }
            if route.method == request.method { return .route(route, parameter: parameter) }
            allowed.append(route.method)
        }
        return allowed.isEmpty ? .nothing : .otherMethod(allowed: allowed)
    }

    /// - Returns: what stands in the place of `{…}`; nil: the path is another one.
    private static func fits(_ pattern: String, _ path: String) -> String? {
        let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false)
        let given = path.split(separator: "/", omittingEmptySubsequences: false)
        guard wanted.count == given.count else { return nil }
        var parameter = ""
        for (wanted, given) in zip(wanted, given) where wanted != given {
            guard wanted.hasPrefix("{"), !given.isEmpty else { return nil }
            parameter = AdminRequest.unescaped(given)
        }
        return parameter
    }

    // MARK: - GET /

    /// The list of all, for whoever looks around.
    func list(asText: Bool) -> AdminResponse {
        if asText {
            let width = all.map { $0.method.count + $0.path.count }.max() ?? 0
            let lines = all.map { route in
                let gap = String(repeating: " ", count: width - route.method.count - route.path.count + 2)
                return "\(route.method) \(route.path)\(gap)\(route.summary)"
            }
            return .text(200, lines.joined(separator: "\n"))
        }
        var json = JSONText()
        json.object { json in
            json.array("endpoints") { json in
                for route in all {
                    json.object { json in
                        json.string("method", route.method)
                        json.string("path", route.path)
                        json.string("summary", route.summary)
                    }
                }
            }
        }
        return AdminResponse(status: 200, body: json.bytes)
    }
}
