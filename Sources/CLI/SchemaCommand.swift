import Config

/// `headgate schema`
enum SchemaCommand {
    static func run() -> Int32 {
        Terminal.print(ConfigSchema.jsonSchema())
        return 0
    }
}
