/// `telemetry`: traces, by W3C Trace Context and OTLP.
public struct TelemetryConfig: Equatable, Sendable {
    /// Where spans go; an empty path means `/v1/traces`.
    public var otlp: EndpointURL
    /// Of each request to it.
    public var headers: [HeaderEditsConfig.Assignment]
    /// Of the traces that begin here, 0 to 100. Default 100.
    public var samplePercent: Int
    /// `service.name` of the spans. Default `headgate`.
    public var service: String

    /// The whole URL.
    public var url: String {
        "\(otlp.scheme)://\(otlp.authority)\(otlp.basePath.isEmpty ? "/v1/traces" : otlp.basePath)"
    }
}

extension TelemetryConfig {
    init(_ node: MappingReader) {
        otlp = node.required(
            "otlp", .endpointURL,
            "Where spans go as OTLP over HTTP, in JSON, such as `http://127.0.0.1:4318`; without a path, to `/v1/traces`."
        )
        headers =
            node.optional(
                "headers", .headerAssignments,
                "Fields of these requests; values are text, `{env: NAME}`, `{file: path}` or `{credential: name}`."
            ) ?? []
        samplePercent = node.value(
            "sample", .percent, default: "100%",
            "Share of the traces that begin here; those that a caller has begun are kept where the caller says so."
        )
        service = node.value(
            "service", .serviceName, default: "headgate", "`service.name` of the spans.")
    }
}

extension Form where Value == String {
    fileprivate static var serviceName: Form {
        .text("text of 1 to 100 bytes") { (text) in
            1...100 ~= text.utf8.count && !text.unicodeScalars.contains(where: Quoting.isUnsafe) ? text : nil
        }
    }
}
