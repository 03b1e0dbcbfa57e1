/// `admin`: the admin endpoint over TCP, beside its Unix socket.
public struct AdminConfig: Equatable, Sendable {
    /// Who may read `/metrics` there.
    public enum Metrics: Equatable, Sendable {
        /// Whoever has the token.
        case token
        case everybody
    }

    public var bind: BindAddress
    public var token: TextSource
    /// Default: `token`.
    public var metrics: Metrics

    /// Bytes of a token: what nobody guesses.
    public static let tokenMin = 16
}

extension AdminConfig {
    init(_ node: MappingReader) {
        bind = node.required(
            "bind", .bindAddress, "Where the admin endpoint answers besides, such as `127.0.0.1:9091`.")
        token =
            node.required(
                "token",
                .secret("at least \(AdminConfig.tokenMin) bytes long") {
                    $0.utf8.count >= AdminConfig.tokenMin
                },
                "What callers send as `Authorization: Bearer`, at least \(AdminConfig.tokenMin) bytes: "
                    + "`{env: NAME}`, `{file: path}` or `{credential: name}`.")
        metrics = node.value(
            "metrics", .word([("token", Metrics.token), ("open", .everybody)]), default: "token",
            "Who may read `/metrics`: whoever has the token, or everybody (`open`).")
    }
}
