import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

private let set = ActionConfig.Kind.setAPIKey(UpstreamKeyRules(prefix: "sk-", lengthMin: 8))
private let body = #"{"model_name": "openai/gpt-4", "api_key": "sk-canary-1"}"#

@Suite struct BoundActionUpstreamKeysTests {
    @Test func `a key is stored, listed and deleted, and never told`() throws {
        let scene = try ActionScene()
        let ada = try scene.newUser("ada")
        let stored = try scene.ask(scene.action(set), body, caller: ada)
        #expect(stored.status == 200)
        #expect(stored.body.members?.map(\.key) == ["id", "model_name", "created_at"])
        #expect(stored.body["model_name"]?.text == "openai/gpt-4")
        let listed = try scene.ask(scene.action(.listAPIKeys), caller: ada)
        #expect(listed.status == 200)
        #expect(listed.body.items == [stored.body])
        #expect(!listed.text.contains("canary") && !stored.text.contains("canary"))
        let revealed = try scene.withStore {
            try $0.revealUpstreamKey(user: ada.userID, name: "openai/gpt-4")
        }
        #expect(revealed?.isEqual(to: Secret("sk-canary-1")) == true)

        let gone = try scene.ask(scene.action(.deleteAPIKey), path: "openai/gpt-4", caller: ada)
        #expect(gone.status == 200)
        #expect(gone.text == "{\"msg\":\"API key for model 'openai/gpt-4' deleted successfully\"}\n")
        let again = try scene.ask(scene.action(.deleteAPIKey), path: "openai/gpt-4", caller: ada)
        #expect(again.status == 404)
        #expect(try scene.ask(scene.action(.listAPIKeys), caller: ada).text == "[]\n")
        #expect(try scene.ask(scene.action(.deleteAPIKey), caller: ada).status == 422)
    }

    @Test func `users have their own alone`() throws {
        let scene = try ActionScene()
        let (ada, bob) = (try scene.newUser("ada"), try scene.newUser("bob"))
        #expect(try scene.ask(scene.action(set), body, caller: ada).status == 200)
        #expect(try scene.ask(scene.action(.listAPIKeys), caller: bob).text == "[]\n")
        #expect(
            try scene.ask(scene.action(.deleteAPIKey), path: "openai/gpt-4", caller: bob).status == 404)
        #expect(try scene.ask(scene.action(.listAPIKeys), caller: ada).body.items?.count == 1)
    }

    @Test(arguments: [
        #"{"model_name": "m"}"#, #"{"api_key": "sk-canary-1"}"#,
        #"{"model_name": "m", "api_key": "pk-canary-1"}"#,
        #"{"model_name": "m", "api_key": "sk-1"}"#, #"{"model_name": "", "api_key": "sk-canary-1"}"#,
        #"{"model_name": "m", "api_key": "sk-canary 1"}"#,
    ])
    func `what does not follow the rules is refused without being quoted`(body: String) throws {
        let scene = try ActionScene()
        let ada = try scene.newUser("ada")
        let answer = try scene.ask(scene.action(set), body, caller: ada)
        #expect(answer.status == 422)
        #expect(!answer.text.contains("canary"))
    }

    /// C26.
    @Test func `without a master key nothing is stored`() throws {
        let scene = try ActionScene(atRest: .refused)
        let ada = try scene.newUser("ada")
        let answer = try scene.ask(scene.action(set, errors: .openai), body, caller: ada)
        #expect(answer.status == 501)
        #expect(answer.body["error"]?["code"]?.text == "storing_keys_not_configured")
        #expect(try scene.ask(scene.action(.listAPIKeys), caller: ada).text == "[]\n")
    }
}
