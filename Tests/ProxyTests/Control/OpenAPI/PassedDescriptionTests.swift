import JSON
import Testing

// Covers PassedDescription.swift, OpenAIOperation.swift, UpstreamPath.swift
@testable import Config
@testable import Proxy

@Suite struct PassedDescriptionTests {
    private static let all = [
        "POST chat/completions", "POST completions", "POST responses", "POST embeddings", "POST moderations",
        "POST images/generations", "POST audio/speech", "POST audio/transcriptions",
        "POST audio/translations",
        "GET models", "GET models/{model}",
    ]

    private static func below(_ root: String, _ operations: [String] = all) -> [String] {
        operations.map { $0.replacing(" ", with: " \(root)/") }
    }

    @Test(arguments: [
        ("path: /v1/**, auth: apps, to: up", "/v1"), ("path: /v1/**, auth: apps, to: bare", "/v1"),
        ("path: /**, auth: apps, to: up", "/v1"), ("path: /**, auth: apps, to: deep", ""),
        ("path: /x/**, auth: apps, strip_prefix: /x, to: up", "/x/v1"),
        ("path: /x/v1/**, auth: apps, strip_prefix: /x, to: up", "/x/v1"),
        ("path: /x/**, auth: apps, strip_prefix: /x, to: deep", "/x"),
        ("path: /x/**, auth: apps, strip_prefix: /x, add_prefix: /v1, to: bare", "/x"),
    ])
    func `the whole API is found where the route leads to it`(route: String, root: String) throws {
        #expect(try DescriptionScene(route).operations == Self.below(root))
    }

    @Test func `no more is described than what is let through`() throws {
        #expect(
            try DescriptionScene("path: /v1/chat*, auth: apps, to: up").operations
                == ["POST /v1/chat/completions"])
        #expect(
            try DescriptionScene("path: /v1/**, methods: GET, auth: apps, to: up").operations
                == Self.below("/v1", ["GET models", "GET models/{model}"]))
        #expect(try DescriptionScene("path: /x/**, auth: apps, to: up").operations == [])
        #expect(
            try DescriptionScene(
                "path: /ask, auth: apps, strip_prefix: /ask, add_prefix: /v1/responses, to: up"
            ).operations == ["POST /ask"])
        #expect(
            try DescriptionScene("path: /weather, methods: [GET, PUT], auth: apps, to: up").operations
                == ["GET /weather", "PUT /weather"])
    }

    @Test func `by the model goes what names one in JSON`() throws {
        let wanted = Self.all.filter {
            $0.hasPrefix("POST") && !$0.contains("transc") && !$0.contains("transl")
        }
        #expect(
            try DescriptionScene("path: /v1/**, auth: apps, to: models").operations
                == Self.below("/v1", wanted))
    }

    @Test func `a model must be named where the route has none`() throws {
        func request(_ more: String) throws -> JSONValue? {
            try DescriptionScene("path: /v1/embeddings, auth: apps, to: up\(more)")
                .operation("post", "/v1/embeddings")["requestBody"]?["content"]?["application/json"]?[
                    "schema"]
        }
        let name = JSONValue.ref("EmbeddingRequest")
        #expect(try request(", default_model: a") == name)
        #expect(try request("")?["allOf"]?.items?.first == name)
        let chat = try DescriptionScene(
            "path: /api/chat, methods: POST, auth: apps, transform: simple_chat, default_model: a, to: up"
        ).operation("post", "/api/chat")
        #expect(
            chat["requestBody"]?["content"]?["application/json"]?["schema"]?["required"]
                == .array([.string("messages")]))
        #expect(
            chat["responses"]?["200"]?["content"]?.members?.map(\.key) == [
                "application/json", "text/event-stream",
            ])
    }

    /// The same cases as on the wire: `RoutePlan.writeTarget`.
    @Test(arguments: [
        ("/v1/a", "", "", "/v1", "/v1/a"), ("/v1/a", "", "", "", "/v1/a"), ("/a", "", "", "/v1", "/v1/a"),
        ("/x/a", "/x", "", "/v1", "/v1/a"), ("/x", "/x", "", "", "/"), ("/x", "/x", "", "/v1", "/v1"),
        ("/xy", "/x", "", "/v1", "/v1/xy"), ("/x/a", "/x", "/y", "/v1", "/v1/y/a"),
        ("/v1", "", "", "/v1", "/v1"),
        ("/v1x", "", "", "/v1", "/v1/v1x"), ("/x/a", "/x", "/v1", "/v1", "/v1/a"),
    ])
    func `a path leads where it does on the wire`(
        path: String, strip: String, add: String, base: String, wanted: String
    ) throws {
        let more =
            (strip.isEmpty ? "" : ", strip_prefix: \(strip)") + (add.isEmpty ? "" : ", add_prefix: \(add)")
        let file = DescriptionScene.head + "  - { path: /**, auth: apps, to: up\(more) }\n"
        let route = try #require(DescriptionScene.config(file).routes.last)
        #expect(UpstreamPath.of(path, by: route, basePath: base) == wanted)
    }
}
