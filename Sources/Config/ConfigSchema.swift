/// The JSON Schema of the file, made by running the readers without a file.
public enum ConfigSchema {
    /// JSON Schema 2020-12, indented, with a line break at its end.
    public static func jsonSchema() -> String { json().text(indented: true) + "\n" }

    static func json() -> JSONText {
        let expansion = Schema.string(pattern: "\\$")
            .with(
                "description",
                .string("`${NAME}` or `${NAME:-default}`: typed after expansion; `$$` is a `$`."))
        var schema = Schema([
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("title", .string("headgate configuration")),
        ])
        schema.members += MappingReader.describe(GatewayConfig.init).schema.members
        return schema.with("$defs", .object([("expansion", expansion.json)])).json
    }
}
