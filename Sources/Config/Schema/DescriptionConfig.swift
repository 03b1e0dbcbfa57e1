/// `action: openapi`: what the description says of the whole.
public struct DescriptionConfig: Equatable, Sendable {
    /// Default `API`.
    public var title: String
    /// nil: none.
    public var description: String?
    /// Of the API, not of OpenAPI. Default `1`.
    public var version: String
}

/// `action: docs`: the page that shows a description.
public struct DocsConfig: Equatable, Sendable {
    /// Default `API`.
    public var title: String
    /// Path of the description. Default `/openapi.json`.
    public var openapi: String
}

extension DescriptionConfig {
    init(_ node: MappingReader) {
        title = node.value("title", .claimText, default: "API", "Name of the API.")
        description = node.optional("description", .footer, "What it is, in a sentence. Default: none.")
        version =
            node.optional("version", .claimText, "Version of the API, as text. Default: \"1\".") ?? "1"
    }
}

extension DocsConfig {
    init(_ node: MappingReader) {
        title = node.value("title", .claimText, default: "API", "Title of the page.")
        openapi = node.value(
            "openapi", .pathPrefix, default: "/openapi.json", "Path of the route with `action: openapi`.")
    }
}
