import Config
import JSON
import Testing

@testable import Proxy

// Covers ActionFailure.swift

private func text(_ reply: ActionReply) -> String {
    String(decoding: reply.headerLines, as: UTF8.self) + String(decoding: reply.body, as: UTF8.self)
}

private let missing = ActionFailure.invalid([.missing("email"), .wrong("password", wanted: "long")])

@Suite struct ErrorFormatTests {
    @Test func `a login that failed is told in each shape`() {
        let failure = ActionFailure.loginWrong(.either)
        let openai = ErrorFormat().reply(failure)
        #expect(openai.status == 401)
        #expect(
            text(openai) == """
                WWW-Authenticate: Bearer\r
                {"error":{"message":"Incorrect email or password","type":"authentication_error",\
                "param":null,"code":"invalid_credentials"}}

                """)
        #expect(
            text(ErrorFormat(shape: .detail).reply(failure)) == """
                WWW-Authenticate: Bearer\r
                {"detail":"Incorrect email or password"}

                """)
        #expect(
            text(ErrorFormat(shape: .webscout).reply(failure)) == """
                WWW-Authenticate: Bearer\r
                {"error":"Incorrect email or password","code":"invalid_credentials",\
                "details":{"message":"Incorrect email or password"}}

                """)
        #expect(text(ErrorFormat(shape: .detail).reply(.loginWrong(.username))).contains("username"))
    }

    @Test func `a request that is not valid is 400 in openai and 422 elsewhere`() {
        let openai = ErrorFormat().reply(missing)
        #expect(openai.status == 400)
        #expect(
            text(openai) == """
                {"error":{"message":"`email` is missing. `password` must be long.",\
                "type":"invalid_request_error","param":"email","code":"invalid_value"}}

                """)
        let detail = ErrorFormat(shape: .detail).reply(missing)
        #expect(detail.status == 422)
        #expect(text(detail) == "{\"detail\":\"`email` is missing. `password` must be long.\"}\n")
        let webscout = ErrorFormat(shape: .webscout).reply(missing)
        #expect(webscout.status == 422)
        #expect(
            text(webscout) == """
                {"error":{"message":"Request validation error.","details":[\
                {"loc":["body","email"],"message":"`email` is missing.","type":"missing"},\
                {"loc":["body","password"],"message":"`password` must be long.","type":"value_error"}],\
                "type":"validation_error"}}

                """)
        let body = ErrorFormat(shape: .webscout).reply(.invalid([.body("is odd", type: "json_invalid")]))
        #expect(text(body).contains(#""loc":["body"],"message":"The body is odd.""#))
    }

    @Test func `a footer stands in every error where it is configured`() throws {
        for shape in [ErrorShape.openai, .detail, .webscout] {
            for failure in [missing, .storeUnavailable] {
                let format = ErrorFormat(shape: shape, footer: "see \"help\"")
                let tree = try JSONValue.parse(format.reply(failure).body)
                let holder = tree["error"]?.members == nil ? tree : tree["error"]
                #expect(holder?["footer"] == .string("see \"help\""))
            }
        }
    }

    @Test(arguments: [
        (ActionFailure.duplicate(field: "email", status: 409), 409, "Email already registered"),
        (.duplicate(field: "username", status: 400), 400, "Username already registered"),
        (.notAuthenticated, 401, "Not authenticated"), (.userGone, 401, "Invalid or expired token"),
        (.userNeeded, 403, "This needs the credential of a user: log in first"),
        (.activeKeyExists(isPresented: false), 409, "User already has an active API key"),
        (.usernameTaken, 409, "Username is already taken"), (.userDisabled, 403, "User is disabled"),
        (.upstreamKeyMissing("m"), 404, "No API key for model 'm'"),
        (.storingKeysNotConfigured, 501, "Storing API keys is not set up here"),
        (.internalError, 500, "The gateway could not handle this request"),
    ])
    func `each failure has its status and text`(failure: ActionFailure, status: UInt16, message: String) {
        let reply = ErrorFormat(shape: .detail).reply(failure)
        #expect(reply.status == status)
        #expect(String(decoding: reply.body, as: UTF8.self) == "{\"detail\":\"\(message)\"}\n")
        let isUnauthenticated = status == 401
        #expect(text(reply).contains("WWW-Authenticate: Bearer\r\n") == isUnauthenticated)
    }

    @Test func `what passes says when to come again`() {
        let full = ErrorFormat().reply(.overloaded(retryAfterSeconds: 3))
        #expect(full.status == 503)
        #expect(text(full).hasPrefix("Retry-After: 3\r\n"))
        #expect(full.code.description == "server_is_overloaded")
        let down = ErrorFormat().reply(.storeUnavailable)
        #expect(down.status == 503)
        #expect(text(down).hasPrefix("Retry-After: 1\r\n"))
        #expect(down.code.description == "auth_backend_unavailable")
    }
}
