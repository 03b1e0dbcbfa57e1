/// Where requests for a model go, and under which name: one of the places that an entry of `models:` lists.
struct ModelTarget: Sendable {
    /// What becomes of the name on its way.
    enum Name: Sendable {
        case asSent
        /// `UPSTREAM/MODEL`: another one, as a JSON string with its quotes.
        case fixed(PlanText)
        /// `strip_prefix`: without so many bytes of the literal beginning.
        case stripped(Int)

        var isAsSent: Bool {
            switch self {
            case .asSent: true
            case .fixed, .stripped: false
            }
        }
    }
    /// Index into `Generation.upstreams`.
    let upstream: Int
    let name: Name
}

/// What a route puts into bodies that lack it: JSON objects of POST requests.
struct BodyDefaults: Sendable {
    /// `default_model` as a JSON string with its quotes, and as it is; nil: none.
    var model: (json: PlanText, name: PlanText)?
    /// `default_temperature` as a JSON number; nil: none.
    var temperature: PlanText?

    var isEmpty: Bool { model == nil && temperature == nil }
    static let none = BodyDefaults()
}

/// `transform` of a route.
enum BodyTransform: Sendable, Equatable {
    case none
    /// `{messages, model?, temperature?, stream?}` in, `{content, model}` or `data: {"content": …}` out.
    case simpleChat
}

/// How a stream of events that its upstream has broken off ends, behind the event that says so.
enum StreamErrorEnd: Sendable, Equatable {
    case cut
    /// With `[DONE]`, as a whole one does.
    case done
}
