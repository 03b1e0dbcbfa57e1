import Config

/// Where spans go and what goes with them, as the file says, with secrets read in.
struct TelemetrySetting: Equatable, Sendable {
    let url: String
    let service: String
    /// Whole lines, `Name: value\r\n`.
    let headerLines: [UInt8]
}

extension TelemetrySetting {
    /// - Returns: nil: `telemetry` is off.
    init?(_ loaded: LoadedConfig) {
        guard let config = loaded.config.telemetry else { return nil }
        url = config.url
        service = config.service
        headerLines = config.headers.flatMap { header in
            Array("\(header.name): ".utf8) + loaded.secret(header.value).reveal() + [Byte.cr, Byte.lf]
        }
    }
}
