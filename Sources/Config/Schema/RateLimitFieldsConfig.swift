/// `rate_limit_headers`: the fields that tell a client what is left.
public enum RateLimitFieldsConfig: String, Equatable, Sendable, CaseIterable {
    /// `x-ratelimit-limit-requests` and its like.
    case openai
    /// `RateLimit` and `RateLimit-Policy`.
    case ietf
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, the last as a date and time in UTC.
    case webscout
    /// The same, `-Reset` in seconds since 1970.
    case epoch
    /// The same, `-Reset` in seconds from now.
    case delta

    /// Have the same names.
    fileprivate static let alike: [RateLimitFieldsConfig] = [.webscout, .epoch, .delta]
}

extension Form where Value == [RateLimitFieldsConfig] {
    /// Words, or `none` alone, which is the empty list.
    static var rateLimitFields: Form {
        let words = RateLimitFieldsConfig.allCases.map { ($0.rawValue, Optional($0)) } + [("none", nil)]
        let list = Form<[RateLimitFieldsConfig?]>.distinct(.oneOrList(.word(words), nonEmpty: false))
        return Form(schema: list.schema(), standIn: []) { (place) throws(Noted) in
            let read = try list.read(place)
            let fields = read.compactMap { $0 }
            guard place.reading.isSound(place.path) else { return fields }
            if fields.count < read.count, read.count > 1 {
                throw place.fail("lists `none` beside others", hint: "`none` stands alone")
            }
            let alike = fields.filter(RateLimitFieldsConfig.alike.contains)
            if alike.count > 1 {
                throw place.fail(
                    "lists `\(alike[0].rawValue)` and `\(alike[1].rawValue)`, which write the same fields",
                    hint: "keep one of them")
            }
            return fields
        }
    }
}
