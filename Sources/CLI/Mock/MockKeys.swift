/// `POST /v1/keys`: makes a key, as OpenRouter does for whoever has a provisioning key. It is not remembered:
/// the mock upstream takes any key.
enum MockKeys {
    /// Body: JSON, its `name` told again; or none.
    static func answer(_ request: MockRequest) throws(MockRefusal) -> MockAnswer {
        guard request.method == "POST" else { throw .method(request.method, allow: "POST") }
        guard let authorization = request["authorization"], authorization.lowercased().hasPrefix("bearer "),
            let key = presented(by: request), !key.isEmpty
        else {
            throw MockRefusal(
                status: 401, message: "A key is made for whoever sends one: Authorization: Bearer KEY.",
                code: "invalid_api_key")
        }
        var name: MockJSON?
        if !request.body.isEmpty {
            do throws(MockJSONError) { name = try MockJSONReader.read(request.body)["name"] } catch {
                throw MockRefusal(
                    message: "The body is not JSON: \(error.problem), at byte \(error.offset).",
                    code: "invalid_json")
            }
        }
        return .json(["key": .string(random()), "name": name ?? .null], status: 201)
    }

    /// What a request came with, wherever it stands; nil for none.
    static func presented(by request: MockRequest) -> String? {
        guard let authorization = request["authorization"] else {
            return request["x-api-key"] ?? request["api-key"]
        }
        let isBearer = authorization.lowercased().hasPrefix("bearer ")
        return isBearer ? authorization.dropFirst("bearer ".count).trimmingSpace() : authorization
    }

    /// 256 bits.
    private static func random() -> String {
        let digits = (0..<64).map { _ in String(UInt8.random(in: 0..<16), radix: 16) }
        return "sk-or-v1-" + digits.joined()
    }
}
