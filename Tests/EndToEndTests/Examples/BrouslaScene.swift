@testable import CLI

/// `examples/brousla.yaml` with the `.env` of its documentation.
struct BrouslaScene {
    let example: Example
    static let secret = "your-secret-key-change-this-in-production-min-32-chars"
    static let key = "your_openai_api_key_here"

    /// - Parameter variables: lines of `.env` behind the two that have to be there.
    init(_ variables: String = "", upstream: ScriptedUpstream? = nil) throws {
        example = try Example(
            "brousla", ports: ["PORT": 8001, "LOGIN_PORT": 8000], upstream: upstream
        ) {
            try $0.folder.write(
                ".env", "OPENAI_API_KEY=\(Self.key)\nJWT_SECRET=\(Self.secret)\n\(variables)\n")
        }
    }

    /// - Returns: the JWT of a new user.
    func register(_ email: String = "user@example.com", password: String = "securepassword123") throws
        -> String
    {
        let answer = try example.post(
            "/auth/register", #"{"email":"\#(email)","password":"\#(password)"}"#)
        guard answer.status == 201 else { throw Trouble("\(answer.status): \(answer.text)") }
        return try answer.json().text("access_token")
    }

    func logIn(_ email: String = "user@example.com", password: String = "securepassword123") throws
        -> Response
    {
        try example.post("/auth/login", #"{"email":"\#(email)","password":"\#(password)"}"#)
    }

    func chat(_ bearer: String?, _ more: String = "", content: String = "Hello!") throws -> Response {
        try example.post(
            "/api/chat", #"{"messages":[{"role":"user","content":"\#(content)"}]\#(more)}"#, bearer: bearer)
    }

    /// A token made elsewhere, by the PyJWT library.
    /// - Parameter call: the arguments of `jwt.encode`; `now` is there.
    func forge(_ call: String) throws -> String {
        String(
            try example.python("import jwt, time\nnow = int(time.time())\nprint(jwt.encode(\(call)))")
                .dropLast())
    }

    /// - Returns: what the library reads from a token that the secret signs.
    func claims(_ token: String) throws -> MockJSON {
        try parseJSON(
            example.python(
                """
                import json, jwt, time
                claims = jwt.decode("\(token)", "\(Self.secret)", algorithms=["HS256"])
                print(json.dumps({"sub": claims["sub"], "left": round(claims["exp"] - time.time())}))
                """))
    }
}

extension Response {
    /// The text without the line end of the gateway's own answers.
    var line: String { text.hasSuffix("\n") ? String(text.dropLast()) : text }
}
