import JSON
import Testing

// Covers ActionDescription.swift, OpenAPIAction.swift
@testable import Config
@testable import Proxy

@Suite struct ActionDescriptionTests {
    private func schema(_ operation: JSONValue, _ type: String = "application/json") -> JSONValue? {
        operation["requestBody"]?["content"]?[type]?["schema"]
    }

    @Test func `each action is described as it is mounted`() throws {
        let scene = try DescriptionScene(
            "path: /register, auth: open, action: { name: register, issues: session }",
            "path: /login, auth: open, action: { name: login, issues: session }",
            "path: /me, auth: members, action: me",
            "path: /hi, methods: PUT, auth: members, action: protected",
            "path: /set, auth: members, action: set-api-key",
            "path: /keys, auth: members, action: list-api-keys",
            "path: /keys/**, auth: members, action: delete-api-key",
            "path: /other/*, auth: members, action: delete-api-key",
            "path: /generate, auth: open, action: { name: generate-key, self_service: true }",
            "path: /validate, auth: open, action: validate-key", "path: /limits, auth: apps, action: limits",
            "path: /v1/models/**, auth: apps, action: models", "path: /health, auth: open, action: health",
            "path: /docs, auth: open, action: docs")
        #expect(
            scene.operations == [
                "POST /register", "POST /login", "GET /me", "PUT /hi", "POST /set", "GET /keys",
                "DELETE /keys/{model_name}", "DELETE /other/{model_name}", "POST /generate", "GET /validate",
                "POST /validate", "GET /limits", "GET /v1/models", "GET /v1/models/{model}", "GET /health",
            ])
        let register = try scene.operation("post", "/register")
        #expect(register["responses"]?["201"] != nil && register["responses"]?["200"] == nil)
        let parameter = try scene.operation("delete", "/keys/{model_name}")["parameters"]?.items?.first
        #expect(parameter?["name"]?.text == "model_name" && parameter?["in"]?.text == "path")
        #expect(scene.schemas == ["Error", "Token", "Model", "ModelList"])
    }

    @Test func `what is asked for has the bounds that it is held to`() throws {
        let scene = try DescriptionScene(
            "path: /set, auth: members, action: { name: set-api-key, key_prefix: sk-or., key_min_length: 20 }",
            "path: /register, auth: open, action: { name: register, response: user, require: [username, password], optional: [email], password_min: 8 }",
            "path: /generate, auth: members, action: { name: generate-key, max_rate_limit: 30 }")
        let key = schema(try scene.operation("post", "/set"))?["properties"]?["api_key"]
        #expect(key?["minLength"] == .integer(20) && key?["pattern"]?.text == #"^sk\-or\.[!-~]*$"#)
        let register = schema(try scene.operation("post", "/register"))
        #expect(register?["required"] == .array([.string("username"), .string("password")]))
        #expect(register?["properties"]?["password"]?["minLength"] == .integer(8))
        #expect(register?["properties"]?["email"]?["anyOf"]?.items?.count == 2)
        let generate = schema(try scene.operation("post", "/generate"))
        #expect(
            generate?["properties"]?["rate_limit"]?["maximum"] == .integer(30) && generate?["required"] == nil
        )
        let form = schema(try scene.operation("post", "/register"), "application/x-www-form-urlencoded")
        #expect(form?["required"] == register?["required"] && form?["additionalProperties"] != nil)
    }

    @Test func `each listener has a description of its own, made once`() throws {
        let file =
            DescriptionScene.head + "  - { listener: two, path: /two, auth: open, respond: {} }\n"
        let config = try DescriptionScene.config(file)
        let info = DescriptionConfig(title: "T", description: nil, version: "1")
        let action = OpenAPIAction(config, info, host: .any)
        let mailbox = try Mailbox()
        func ask(_ listener: Int) throws -> JSONValue {
            let ticket = Ticket(worker: 0, number: UInt64(listener))
            let request = ActionRequest(
                method: .get, pathRest: [], query: [], contentType: [], body: [], caller: nil, auth: nil,
                credential: nil, clientAddress: PeerAddress(high: 0, low: 1, port: 1, isUnix: false),
                requestID: [], listener: listener)
            action.answer(
                Question(ticket: ticket, answerer: action, subject: .action(request)),
                Reply(ticket: ticket, mailbox: mailbox))
            guard case .answered(ticket, .reply(let reply))? = mailbox.takeAll().first else {
                throw Unexpected("no reply")
            }
            #expect(reply.status == 200)
            return try JSONValue.parse(reply.body)
        }
        #expect(try ask(0)["paths"]?.members?.isEmpty == true)
        #expect(try ask(1)["paths"]?["/two"] != nil && ask(1) == ask(1))
    }
}
