import Glibc

/// Which config file is meant.
enum ConfigPath {
    static let defaults = ["./headgate.yaml", "/etc/headgate/headgate.yaml"]

    /// - Parameter given: `-c FILE`.
    /// - Throws: where none is given and none of the defaults is there.
    static func find(_ given: String?) throws(CommandLineError) -> String {
        if let given { return given }
        if let found = defaults.first(where: { access($0, F_OK) == 0 }) { return found }
        throw CommandLineError(
            message:
                "no config file: neither \(defaults.joined(separator: " nor ")) is there; name one by -c FILE"
        )
    }
}
