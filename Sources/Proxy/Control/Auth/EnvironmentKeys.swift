import Config
import Stores

/// The keys of an `env-key` entry, as the environment has them now.
enum EnvironmentKeys {
    struct Key: Equatable {
        let variable: String
        let digest: KeyDigest
    }

    /// Empty values count as unset. Each key once, under the first variable that has it.
    static func find(_ config: EnvKeyConfig, in environment: Environment) -> [Key] {
        var keys: [Key] = []
        for variable in config.variables {
            guard let value = environment[variable], !value.isEmpty else { continue }
            let digest = KeyDigest(sha256(Array(value.utf8)))
            if !keys.contains(where: { $0.digest == digest }) {
                keys.append(Key(variable: variable, digest: digest))
            }
            if !config.matchesAny { break }
        }
        return keys
    }
}
