import Config
import Stores

/// The field that carries a key to an upstream.
struct KeyFieldLine: Sendable, Equatable {
    let config: KeyFieldConfig

    /// Lower-case.
    var name: [UInt8] {
        switch config {
        case .bearer: Array("authorization".utf8)
        case .xAPIKey: Array("x-api-key".utf8)
        case .apiKey: Array("api-key".utf8)
        }
    }

    /// The whole line, with its end.
    func line(_ key: Secret) -> [UInt8] {
        let beginning =
            switch config {
            case .bearer: "Authorization: Bearer "
            case .xAPIKey: "X-Api-Key: "
            case .apiKey: "Api-Key: "
            }
        return Array(beginning.utf8) + key.reveal() + Array("\r\n".utf8)
    }
}
