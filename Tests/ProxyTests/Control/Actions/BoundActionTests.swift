import Glibc
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

// Covers BoundAction.swift, ActionCall.swift, StoreAccess.swift, ActionAnswers.swift

/// A store that cannot be used, each way it can.
private final class BrokenStore: StoreAccess {
    enum Fault {
        case failing(StoreError)
        case full, losing
    }
    let fault: Fault
    let passwordCost = 4

    init(_ fault: Fault) { self.fault = fault }

    func performPromptly(_ job: @escaping @Sendable (Result<Store, StoreError>) -> Void) -> Bool {
        switch fault {
        case .failing(let error):
            job(.failure(error))
            return true
        case .full: return false
        case .losing: return true
        }
    }

    func keysChanged() {}
}

/// A store whose thread is busy with something else.
private final class SlowStore: StoreAccess {
    private let keeper: StoreKeeper
    private let milliseconds: Int32
    var passwordCost: Int { keeper.passwordCost }

    init(_ keeper: StoreKeeper, milliseconds: Int32) {
        self.keeper = keeper
        self.milliseconds = milliseconds
    }

    func performPromptly(_ job: @escaping StoreKeeper.Job) -> Bool {
        keeper.perform { [milliseconds] opened in
            poll(nil, 0, milliseconds)
            job(opened)
        }
    }

    func keysChanged() { keeper.keysChanged() }
}

private let login = #"{"username": "ada", "password": "test123"}"#

@Suite struct BoundActionTests {
    @Test(arguments: [
        (StoreError.locked, UInt16(503)), (.diskFull, 503), (.readOnly, 503), (.corrupt("page 7"), 503),
        (.missing(path: "/x"), 503), (.schemaTooNew(found: 9, known: 1), 500),
        (.notAStore(path: "/x"), 500),
    ])
    func `a store that cannot be used is told as what it is`(error: StoreError, status: UInt16) throws {
        let scene = try ActionScene()
        for kind in [
            ActionConfig.Kind.testLogin(), .testRegister(required: ["password"]), .testGenerateKey(),
        ] {
            let action = scene.action(kind, errors: .openai, store: BrokenStore(.failing(error)))
            let body = #"{"username": "ada", "password": "test123", "telegram_id": 7}"#
            let answer = try scene.ask(action, body)
            #expect(answer.status == status)
            let code = answer.body["error"]?["code"]?.text
            #expect(code == (status == 503 ? "auth_backend_unavailable" : "internal_error"))
            #expect(answer.fields.contains("Retry-After: 1\r\n") == (status == 503))
            #expect(!answer.text.contains("page") && !answer.text.contains("/x"))
        }
    }

    @Test func `a store with too much to do, or one that loses the job, is an overload`() throws {
        let scene = try ActionScene()
        for fault in [BrokenStore.Fault.full, .losing] {
            let answer = try scene.ask(scene.action(.testLogin(), store: BrokenStore(fault)), login)
            #expect(answer.status == 503)
            #expect(answer.fields.contains("Retry-After: 1\r\n"))
        }
        #expect(scene.moreMail == 0)
    }

    @Test func `a job that has waited too long is an overload, and is not begun`() throws {
        let scene = try ActionScene()
        let slow = SlowStore(scene.keeper, milliseconds: 750)
        let register = scene.action(.testRegister(required: ["username", "password"]), store: slow)
        let answer = try scene.ask(register, login)
        #expect(answer.status == 503 && answer.fields.contains("Retry-After: 1\r\n"))
        #expect(try scene.withStore { try $0.users().isEmpty })
    }

    @Test func `what waits more than once is answered in time as well`() {
        /// In milliseconds since the call came.
        func isLate(since: UInt64, now: UInt64) -> Bool {
            ActionCall.isLate(
                arrival: 5_000_000, since: 5_000_000 + since * 1_000_000, now: 5_000_000 + now * 1_000_000)
        }
        #expect(!isLate(since: 0, now: 699))
        #expect(isLate(since: 0, now: 701))
        #expect(!isLate(since: 700, now: 880))
        #expect(isLate(since: 700, now: 901))
        // Its own hash took long, which is no reason.
        #expect(!isLate(since: 2000, now: 2040))
    }

    @Test func `what needs a user says so`() throws {
        let scene = try ActionScene()
        let kinds: [ActionConfig.Kind] = [
            .me(fields: ["id"]), .protected, .setAPIKey(UpstreamKeyRules(prefix: nil, lengthMin: 1)),
            .listAPIKeys, .deleteAPIKey, .testGenerateKey(selfService: false),
        ]
        for kind in kinds {
            let action = scene.action(kind)
            let nobody = try scene.ask(action, "{}", path: "m")
            #expect(nobody.status == 401)
            #expect(nobody.fields.contains("WWW-Authenticate: Bearer\r\n"))
            #expect(try scene.ask(action, "{}", path: "m", caller: scene.caller(0)).status == 403)
        }
    }

    @Test func `a user of another store is none here`() throws {
        let (scene, other) = (try ActionScene(), try ActionScene())
        let (ada, bob) = (try scene.newUser("ada"), try other.newUser("bob"))
        #expect(ada.userID == bob.userID, "the same row")
        let keyBody = #"{"model_name": "m", "api_key": "k"}"#
        for kind: ActionConfig.Kind in [
            .me(fields: ["id"]), .protected, .setAPIKey(UpstreamKeyRules(prefix: nil, lengthMin: 1)),
            .listAPIKeys, .deleteAPIKey, .testGenerateKey(selfService: false),
        ] {
            let answer = try scene.ask(
                scene.action(kind), keyBody, path: "m", caller: bob, of: other.keeper)
            #expect(answer.status == 403)
            #expect(!answer.text.contains("ada"))
        }
    }

    @Test func `a user who is gone or disabled is refused whatever let them in`() throws {
        let scene = try ActionScene()
        let disabled = try scene.newUser("bob", active: false)
        let keyBody = #"{"model_name": "m", "api_key": "k"}"#
        let kinds: [(ActionConfig.Kind, String)] = [
            (.me(fields: ["id"]), ""), (.protected, ""),
            (.setAPIKey(UpstreamKeyRules(prefix: nil, lengthMin: 1)), keyBody), (.listAPIKeys, ""),
            (.deleteAPIKey, ""), (.testGenerateKey(selfService: false), "{}"),
        ]
        for (kind, body) in kinds {
            for caller in [disabled, scene.caller(4711)] {
                let answer = try scene.ask(scene.action(kind), body, path: "m", caller: caller)
                #expect(answer.status == 401)
                #expect(answer.detail == "Invalid or expired token")
                #expect(answer.fields.contains("WWW-Authenticate: Bearer\r\n"))
            }
        }
    }

    @Test func `a user who is gone reads what everybody without a good key does`() throws {
        let scene = try ActionScene()
        let action = scene.action(.protected, errors: .openai)
        let answer = try scene.ask(action, caller: scene.caller(4711))
        #expect(answer.status == 401)
        #expect(answer.body["error"]?["message"]?.text == "Invalid API key provided")
        #expect(answer.body["error"]?["code"]?.text == "invalid_api_key")
    }

    @Test func `me tells the fields that the route names, in order`() throws {
        let scene = try ActionScene(userIDs: .integer)
        let ada = try scene.newUser("ada")
        let answer = try scene.ask(scene.action(.me(fields: ["email", "id", "telegram_id"])), caller: ada)
        #expect(answer.status == 200 && !answer.isStored)
        #expect(answer.body.members?.map(\.key) == ["email", "id", "telegram_id"])
        #expect(answer.body["email"]?.text == "ada@example.com")
        #expect(answer.body["telegram_id"] == .null)
        let all = try scene.ask(scene.action(.me(fields: ActionConfig.userFields)), caller: ada)
        #expect(all.body.members?.map(\.key) == ActionConfig.userFields)
        #expect(all.body["is_active"]?.bool == true)
        #expect(all.body["created_at"]?.text?.hasSuffix("Z") == true)
        #expect(all.body["id"] == all.body["user_id"])
        #expect(!all.text.contains("hash"))
    }

    @Test func `protected greets by name`() throws {
        let scene = try ActionScene()
        let answer = try scene.ask(scene.action(.protected), caller: scene.newUser("ada"))
        #expect(answer.text == "{\"msg\":\"Hello, ada! This is protected.\"}\n")
    }

    @Test func `ids have the form that the store gives them`() throws {
        let integer = try ActionScene(userIDs: .integer)
        let number = try integer.ask(integer.action(.me(fields: ["id"])), caller: integer.newUser("ada"))
        #expect(number.body["id"]?.integer != nil)
        let objectID = try ActionScene(userIDs: .objectid)
        let hex = try objectID.ask(objectID.action(.me(fields: ["id"])), caller: objectID.newUser("ada"))
        #expect(hex.body["id"]?.text?.count == 24)
    }

    @Test func `times are ISO 8601 in UTC`() {
        #expect(ActionAnswers.time(0) == "1970-01-01T00:00:00Z")
        #expect(ActionAnswers.time(1_772_366_400) == "2026-03-01T12:00:00Z")
        #expect(ActionAnswers.time(-5) == "1970-01-01T00:00:00Z")
    }
}
