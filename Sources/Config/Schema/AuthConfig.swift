/// `auth.NAME`: one way of coming in.
public struct AuthConfig: Equatable, Sendable {
    public enum Mode: Equatable, Sendable {
        /// `mode: none`.
        case none(allowOpen: Bool, ignoreCredentials: Bool)
    }
    public var name: String
    public var mode: Mode
}

extension AuthConfig {
    init(_ node: MappingReader) {
        name = node.name
        node.required("mode", .word([("none", ())]), "`none`: everybody, without a credential.")
        mode = .none(
            allowOpen: node.value(
                "allow_open", .bool, default: "false",
                "Accept that a listener beyond this machine serves everybody."),
            ignoreCredentials: node.value(
                "ignore_credentials", .bool, default: "false",
                "Drop a credential unread instead of refusing it."))
    }
}
