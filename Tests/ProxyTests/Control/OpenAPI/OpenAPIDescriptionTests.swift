import JSON
import Testing

// Covers OpenAPIDescription.swift, DescribedOperation.swift, SchemaTree.swift
// Covers ErrorSchemas.swift, OpenAISchemas.swift
@testable import Config
@testable import Proxy

@Suite struct OpenAPIDescriptionTests {
    /// A small file, and the whole of what is said of it.
    @Test func `the description of a small file is as its golden says`() throws {
        let file = """
            version: 1
            listeners: { one: 127.0.0.1:1 }
            auth: { open: { mode: none, ignore_credentials: true }, apps: { mode: token-file, file: t.json } }
            limits: { few: { by: key, requests_per_minute: 5 } }
            upstreams: { up: "http://up.example/v1" }
            routes:
              - { path: /openapi.json, auth: open, action: { name: openapi, title: Small, version: "1.2" } }
              - { path: /up, methods: GET, auth: open, respond: { json: { ok: true } } }
              - { path: /v1/audio/transcriptions, methods: POST, auth: apps, limits: few, errors: detail, to: up }

            """
        let golden = try JSONValue.parse(Array(OpenAPIDescriptionTests.golden.utf8))
        let tree = try DescriptionScene(file: file).tree
        var said = JSONWriter(indent: 2)
        said.value(tree)
        #expect(tree == golden, "\(said.text)")
    }

    @Test func `where several routes could take a request, the one that does is described`() throws {
        let scene = try DescriptionScene(
            "path: /a, methods: GET, auth: open, respond: { text: first }",
            "path: /a, auth: open, respond: { text: second }",
            "path: /b/**, methods: [GET, PUT], auth: open, respond: { text: below }",
            "path: /b, methods: [PUT, DELETE], auth: open, respond: { text: behind }")
        #expect(scene.operations == ["GET /a", "GET /b", "PUT /b", "DELETE /b"])
        func text(_ method: String, _ path: String) throws -> String? {
            let answer = try scene.operation(method, path)["responses"]?["200"]
            return answer?["content"]?["text/plain"]?["schema"]?["const"]?.text
        }
        #expect(
            try text("get", "/a") == "first" && text("put", "/b") == "below"
                && text("delete", "/b") == "behind")
    }

    @Test func `only what the listener and the host have is described`() throws {
        let routes = [
            "listener: one, path: /one, auth: open, respond: {}",
            "listener: two, path: /two, auth: open, respond: {}",
            "host: api.example, path: /host, auth: open, respond: {}",
            "headers: { x-beta: true }, path: /beta, auth: open, respond: {}",
        ]
        func operations(_ listener: String?, _ host: HostConfig = .any) throws -> [String] {
            try DescriptionScene(routes[0], routes[1], routes[2], routes[3], listener: listener, host: host)
                .operations
        }
        #expect(try operations("one") == ["GET /one"] && operations("two") == ["GET /two"])
        #expect(try operations(nil) == ["GET /one", "GET /two"])
        #expect(try operations("one", .exact("api.example")) == ["GET /one", "GET /host"])
    }

    @Test func `who is asked for a credential is told which, and what refusals look like`() throws {
        let scene = try DescriptionScene(
            "path: /free, auth: open, respond: {}",
            "path: /both, auth: [apps, open], errors: webscout, respond: {}",
            "path: /kept, auth: [apps, raw], limits: few, errors: detail, respond: {}")
        let free = try scene.operation("get", "/free")
        #expect(free["security"] == .array([]))
        #expect(free["responses"]?.members?.map(\.key) == ["200", "4XX", "5XX"])
        let both = try scene.operation("get", "/both")
        #expect(both["security"]?.items?.map { $0.members?.map(\.key) } == [[], ["apps"]])
        let kept = try scene.operation("get", "/kept")
        #expect(kept["security"]?.items?.map { $0.members?.map(\.key) } == [["apps"], ["raw"]])
        #expect(kept["responses"]?.members?.map(\.key) == ["200", "401", "403", "429", "4XX", "5XX"])
        let refusal = kept["responses"]?["401"]
        #expect(refusal?["headers"]?["WWW-Authenticate"] != nil)
        #expect(
            refusal?["content"]?["application/json"]?["schema"]?["$ref"]?.text
                == "#/components/schemas/DetailError")
        let schemes = scene.tree["components"]?["securitySchemes"]
        #expect(schemes?["apps"]?["scheme"]?.text == "bearer" && schemes?["raw"]?["type"]?.text == "apiKey")
        #expect(scene.schemas == ["Error", "DetailError", "WebscoutError"])
    }

    @Test func `every name leads somewhere, and every operation has its own`() throws {
        let scene = try DescriptionScene(
            "path: /v1/**, auth: apps, to: up", "path: /bare/**, auth: apps, strip_prefix: /bare, to: bare",
            "path: /validate, auth: open, action: validate-key", "path: /a, auth: open, respond: {}",
            "path: /b, auth: open, respond: {}",
            "path: /login, auth: open, action: { name: login, issues: session }")
        #expect(scene.operations.count == 27)
        let schemas = scene.schemas
        #expect(Set(schemas) == scene.tree.references && Set(schemas).count == schemas.count)
        let ids = scene.paths.flatMap { $0.value.members ?? [] }.compactMap { $0.value["operationId"]?.text }
        #expect(ids.count == 27 && Set(ids).count == 27)
        #expect(ids.contains("createEmbedding_bare_v1_embeddings") && ids.contains("respond_b"))
    }

    private static let golden = #"""
        {"openapi": "3.1.0", "info": {"title": "Small", "version": "1.2"}, "servers": [{"url": "/"}],
        "paths": {
          "/up": {"get": {
            "operationId": "respond", "summary": "A fixed answer.", "tags": ["Gateway"], "security": [],
            "responses": {
              "200": {"description": "The answer.", "content": {"application/json": {"schema": {"const": {"ok": true}}}}},
              "4XX": {"description": "The request is refused.", "content": {"application/json": {"schema":
                {"$ref": "#/components/schemas/Error"}}}},
              "5XX": {"description": "It did not work out.", "content": {"application/json": {"schema":
                {"$ref": "#/components/schemas/Error"}}}}}}},
          "/v1/audio/transcriptions": {"post": {
            "operationId": "createTranscription", "summary": "Writes down what is spoken.", "tags": ["Passed on"],
            "security": [{"apps": []}],
            "requestBody": {"required": true, "content": {"multipart/form-data": {"schema": {"allOf": [
              {"$ref": "#/components/schemas/AudioRequest"}, {"required": ["model"]}]}}}},
            "responses": {
              "200": {"description": "The answer of the upstream.", "content": {"application/json": {"schema":
                {"$ref": "#/components/schemas/Transcription"}}}},
              "401": {"description": "No credential, or one that is no good.",
                "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": {"anyOf": [
                  {"$ref": "#/components/schemas/DetailError"}, {"$ref": "#/components/schemas/Error"}]}}}},
              "403": {"description": "The credential is good, but not for this.",
                "content": {"application/json": {"schema": {"anyOf": [
                  {"$ref": "#/components/schemas/DetailError"}, {"$ref": "#/components/schemas/Error"}]}}}},
              "429": {"description": "A limit is used up.", "headers": {"Retry-After": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": {"anyOf": [
                  {"$ref": "#/components/schemas/DetailError"}, {"$ref": "#/components/schemas/Error"}]}}}},
              "4XX": {"description": "The request is refused.", "content": {"application/json": {"schema": {"anyOf": [
                {"$ref": "#/components/schemas/DetailError"}, {"$ref": "#/components/schemas/Error"}]}}}},
              "5XX": {"description": "It did not work out.", "content": {"application/json": {"schema": {"anyOf": [
                {"$ref": "#/components/schemas/DetailError"}, {"$ref": "#/components/schemas/Error"}]}}}}}}}},
        "components": {
          "schemas": {
            "Error": {"type": "object", "properties": {"error": {"type": "object", "properties": {
              "message": {"type": "string"}, "type": {"type": "string"}, "param": {"type": ["string", "null"]},
              "code": {"type": ["string", "null"]}, "footer": {"type": "string"}}, "required": ["message", "type"]}},
              "required": ["error"]},
            "DetailError": {"type": "object", "properties": {"detail": {"type": "string"}, "footer": {"type": "string"}},
              "required": ["detail"]},
            "AudioRequest": {"type": "object", "required": ["file"], "properties": {
              "model": {"type": "string", "minLength": 1},
              "file": {"type": "string", "contentMediaType": "application/octet-stream"},
              "prompt": {"type": "string"}, "language": {"type": "string"},
              "response_format": {"type": "string", "examples": ["json"]}}},
            "Transcription": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}},
          "securitySchemes": {"apps": {"type": "http", "scheme": "bearer"}}}}
        """#
}
