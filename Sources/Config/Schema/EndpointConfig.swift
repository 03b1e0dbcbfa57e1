/// `upstreams.NAME.endpoints[]`, or what `url` stands for.
public struct EndpointConfig: Equatable, Sendable {
    public var url: EndpointURL
    /// Its share among the endpoints of the upstream, 1 to 1000. Default 1.
    public var weight: Int = 1
}

extension EndpointConfig {
    init(_ node: MappingReader) {
        url = node.required(
            "url", .endpointURL, "`https://host[:port][/path]`; the path goes in front of the request's.")
        weight = node.value(
            "weight", .weight, default: "1", "Its share among the endpoints of the upstream, 1 to 1000.")
    }
}

/// Where an upstream answers.
public struct EndpointURL: Equatable, Sendable {
    public enum Scheme: String, Equatable, Sendable { case http, https }
    public var scheme: Scheme
    /// Name or numeric address without brackets, lower-case.
    public var host: String
    public var port: UInt16
    /// Path without a trailing slash; empty for none.
    public var basePath: String
    /// `host[:port]` as it goes into `Host`: brackets kept, default port left out.
    public var authority: String
}

extension Form where Value == Int {
    /// Of one among several.
    static var weight: Form { .integer(1...1000) }
}
