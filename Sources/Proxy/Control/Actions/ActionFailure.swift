import Config

/// Why an action does not do what it was asked. What the client is told of it stands in `properties`, in
/// which form in `ErrorFormat`.
enum ActionFailure: Error, Equatable, Sendable {
    /// The request does not say what it must, or not in the right form. Never empty.
    case invalid([InvalidMember])
    /// `field`: `email` or `username`. The status is the route's choice.
    case duplicate(field: String, status: UInt16)
    /// Unknown user, wrong password and disabled user alike.
    case loginWrong(IdentityConfig)
    case notAuthenticated
    /// The caller was let in, and its user is gone or disabled meanwhile.
    case userGone
    /// The caller has no user: a shared key, an entry of a token file.
    case userNeeded
    /// `isPresented`: it is the one that the request was made with.
    case activeKeyExists(isPresented: Bool)
    /// By a user with another telegram id, or none.
    case usernameTaken
    /// Of `generate-key`, where the telegram id belongs to somebody with another name.
    case telegramIDTaken
    /// Of `generate-key`, where the telegram id belongs to somebody with a password.
    case loginNeeded
    /// Of `generate-key`, where the telegram id belongs to somebody whom `generate-key` has not made.
    case userNotSelfMade
    /// Of `generate-key`, where the telegram id belongs to somebody who was disabled.
    case userDisabled
    /// Of `delete-api-key`, with the name.
    case upstreamKeyMissing(String)
    /// There is no master key, and `at_rest: plain` is not written.
    case storingKeysNotConfigured
    /// Of `models`, with the name: there is none, or not for this caller.
    case modelNotFound(String)
    /// Of `models`, which can only be read.
    case methodNotAllowed
    /// Seconds until there may be room again.
    case overloaded(retryAfterSeconds: Int)
    case storeUnavailable
    case internalError

    struct Properties {
        let status: UInt16
        /// As the OpenAI API has it.
        let type: StaticString
        let code: StaticString
        let message: String
    }

    var properties: Properties {
        switch self {
        case .invalid(let members):
            let isMissing = members.allSatisfy(\.isMissing)
            return Properties(
                status: 400, type: "invalid_request_error",
                code: isMissing ? "missing_required_parameter" : "invalid_value",
                message: members.map(\.sentence).joined(separator: " "))
        case .duplicate(let field, let status):
            let what = field == "email" ? "Email" : "Username"
            return refused(status, "already_registered", "\(what) already registered")
        case .loginWrong(let identity):
            let what = identity == .username ? "username" : "email"
            return unauthenticated("invalid_credentials", "Incorrect \(what) or password")
        case .notAuthenticated: return unauthenticated("missing_api_key", "Not authenticated")
        case .userGone: return unauthenticated("invalid_api_key", "Invalid or expired token")
        case .userNeeded:
            return forbidden("user_required", "This needs the credential of a user: log in first")
        case .activeKeyExists(let isPresented):
            let which = isPresented ? ", the one of this request" : ""
            return refused(409, "active_key_exists", "User already has an active API key\(which)")
        case .loginNeeded:
            return forbidden("login_required", "This user has a password: keys are made after a login")
        case .telegramIDTaken:
            return refused(409, "telegram_id_taken", "This telegram id has another username")
        case .userNotSelfMade:
            return forbidden("user_not_self_made", "This user is given keys by whoever runs this gateway")
        case .usernameTaken: return refused(409, "username_taken", "Username is already taken")
        case .userDisabled:
            return forbidden("user_disabled", "User is disabled")
        case .upstreamKeyMissing(let name):
            return refused(404, "api_key_not_found", "No API key for model '\(name)'")
        case .storingKeysNotConfigured:
            return Properties(
                status: 501, type: "server_error", code: "storing_keys_not_configured",
                message: "Storing API keys is not set up here")
        case .modelNotFound(let name):
            return refused(
                404, "model_not_found", "The model '\(name)' does not exist, or you do not have access to it."
            )
        case .methodNotAllowed:
            return refused(
                405, "method_not_supported", "This URL exists, but not for this method: see Allow.")
        case .overloaded:
            return unavailable(
                "server_is_overloaded", "Too many requests of this kind at once: try again soon")
        case .storeUnavailable:
            return unavailable(
                "auth_backend_unavailable", "The user database cannot be used at present: try again soon")
        case .internalError:
            return Properties(
                status: 500, type: "server_error", code: "internal_error",
                message: "The gateway could not handle this request")
        }
    }

    /// Seconds of `Retry-After`; nil: none.
    var retryAfterSeconds: Int? {
        switch self {
        case .overloaded(let seconds): seconds
        case .storeUnavailable: 1
        case .invalid, .duplicate, .loginWrong, .notAuthenticated, .userGone, .userNeeded, .activeKeyExists,
            .usernameTaken, .telegramIDTaken, .loginNeeded, .userNotSelfMade, .userDisabled,
            .upstreamKeyMissing, .storingKeysNotConfigured, .modelNotFound, .methodNotAllowed, .internalError:
            nil
        }
    }

    private func refused(_ status: UInt16, _ code: StaticString, _ message: String) -> Properties {
        Properties(status: status, type: "invalid_request_error", code: code, message: message)
    }

    private func forbidden(_ code: StaticString, _ message: String) -> Properties {
        Properties(status: 403, type: "permission_error", code: code, message: message)
    }

    private func unavailable(_ code: StaticString, _ message: String) -> Properties {
        Properties(status: 503, type: "service_unavailable_error", code: code, message: message)
    }

    private func unauthenticated(_ code: StaticString, _ message: String) -> Properties {
        Properties(status: 401, type: "authentication_error", code: code, message: message)
    }
}

/// A member of a request that is not as it must be. Quotes no value: it may be a password.
struct InvalidMember: Equatable, Sendable {
    /// Empty: the body as a whole.
    let name: String
    /// Goes on after the name: `must be …`, `is missing`.
    let message: String
    /// A word for programs: `missing`, `value_error`, `json_invalid`.
    let type: String

    static func missing(_ name: String) -> InvalidMember {
        InvalidMember(name: name, message: "is missing", type: "missing")
    }
    static func wrong(_ name: String, wanted: String) -> InvalidMember {
        InvalidMember(name: name, message: "must be \(wanted)", type: "value_error")
    }
    static func body(_ message: String, type: String) -> InvalidMember {
        InvalidMember(name: "", message: message, type: type)
    }

    var isMissing: Bool { type == "missing" }
    var sentence: String { name.isEmpty ? "The body \(message)." : "`\(name)` \(message)." }
}
