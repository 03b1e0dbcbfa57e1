import CLinux
import JSON
import Testing

@testable import Config
@testable import Proxy
@testable import Stores

// Covers BoundAction+Register.swift

private let ada = #"{"email": "ada@example.com", "username": "ada", "password": "test123"}"#
private let form = "application/x-www-form-urlencoded"

private func jwt(_ subject: JWTConfig.Subject) -> BoundAction.TokenIssue {
    BoundAction.TokenIssue(
        signer: JWTSigner(
            algorithm: .hs256, secret: Secret(String(repeating: "s", count: 32)), issuer: nil, audience: nil,
            lifetimeSeconds: 3600),
        subject: subject)
}

/// Lets somebody else change the store before an action comes to it for the second time.
private final class InterferedStore: StoreAccess {
    let keeper: StoreKeeper
    let change: @Sendable (Store) -> Void
    private let visits = Locked(0)
    var passwordCost: Int { keeper.passwordCost }

    init(_ keeper: StoreKeeper, _ change: @escaping @Sendable (Store) -> Void) {
        self.keeper = keeper
        self.change = change
    }

    func performPromptly(_ job: @escaping StoreKeeper.Job) -> Bool {
        keeper.performPromptly { [self] opened in
            let visit = visits.withLock { visits in
                visits += 1
                return visits
            }
            if visit == 2, case .success(let store) = opened { change(store) }
            job(opened)
        }
    }

    func keysChanged() { keeper.keysChanged() }
}

@Suite struct BoundActionLoginTests {
    @Test func `who registers is logged in and can log in`() throws {
        let scene = try ActionScene()
        let made = try scene.ask(scene.action(.testRegister()), ada)
        #expect(made.status == 201 && !made.isStored)
        #expect(made.body["token_type"]?.text == "bearer")
        let token = try #require(made.body["access_token"]?.text)
        let key = try scene.withStore { try $0.key(digest: sha256(Array(token.utf8))) }
        #expect(key?.kind == .session)

        let answer = try scene.ask(
            scene.action(.testLogin(.username)), #"{"username": "ada", "password": "test123"}"#)
        #expect(answer.status == 200 && !answer.isStored)
        #expect(answer.body.members?.map(\.key) == ["token", "user_id", "username", "api_key_status"])
        #expect(answer.body["username"]?.text == "ada")
        let session = try #require(answer.body["token"]?.text)
        #expect(session != token)
        #expect(
            answer.body["api_key_status"]
                == .object([
                    .init("has_key", .bool(false)), .init("source", .null), .init("synced", .bool(false)),
                ]))
        let stored = try scene.withStore { try $0.key(digest: sha256(Array(session.utf8))) }
        // Why a range: the second may change between the two.
        let lifetime = try #require(stored?.expiresAt) - (stored?.createdAt ?? 0)
        #expect((3599...3601).contains(lifetime))
    }

    @Test(arguments: [
        (IdentityConfig.email, #"{"email": "ADA@example.com", "password": "test123"}"#, ""),
        (.username, "username=ada&password=test123&grant_type=password&scope=", form),
        (.either, "username=ada%40example.com&password=test123", form),
        (.either, #"{"email": "ada", "password": "test123"}"#, "application/json"),
        (.email, #"{"email": "ada@example.com", "password": "test123"}"#, form),
    ])
    func `a login is read as JSON or form`(identity: IdentityConfig, body: String, type: String) throws {
        let scene = try ActionScene()
        #expect(try scene.ask(scene.action(.testRegister()), ada).status == 201)
        let answer = try scene.ask(scene.action(.testLogin(identity, .oauth2)), body, type: type)
        #expect(answer.status == 200)
        #expect(answer.body.members?.map(\.key) == ["access_token", "token_type"])
    }

    @Test func `unknown, wrong and disabled are one answer`() throws {
        let scene = try ActionScene()
        #expect(try scene.ask(scene.action(.testRegister()), ada).status == 201)
        _ = try scene.newUser("passwordless")
        let off = #"{"email": "off@example.com", "password": "test123"}"#
        #expect(try scene.ask(scene.action(.testRegister()), off).status == 201)
        try scene.withStore { store in
            let user = try #require(try store.user(.email("off@example.com")))
            try store.setActive(user.id, false)
        }
        let logIn = scene.action(.testLogin(.email))
        let attempts = [
            #"{"email": "ada@example.com", "password": "test124"}"#,
            #"{"email": "nobody@example.com", "password": "test123"}"#,
            #"{"email": "passwordless@example.com", "password": ""}"#, off,
        ]
        let answers = try attempts.map { try scene.ask(logIn, $0) }
        for answer in answers {
            #expect(answer.status == 401)
            #expect(answer.fields == "WWW-Authenticate: Bearer\r\n")
            #expect(answer.text == "{\"detail\":\"Incorrect email or password\"}\n")
        }
    }

    @Test func `reasons are for the log and name nobody who is unknown`() {
        let user = User(
            id: 1, publicID: "p", username: "ada", email: nil, telegramID: nil, isActive: true,
            hasPassword: true, createdAt: 0, updatedAt: 0)
        func reason(_ hash: String?, isRight: Bool = false) -> String {
            LoginAttempt.reason((user, hash), isRight: isRight, passwordCost: 10)
        }
        let hash = PasswordHash.make([1], cost: 4)
        #expect(LoginAttempt.reason(nil, isRight: false, passwordCost: 10) == "no such user")
        #expect(reason(hash) == "wrong password of user ada")
        #expect(reason(hash, isRight: true) == "user ada is disabled")
        #expect(reason(nil) == "user ada has no password")
        #expect(reason("{SSHA}x") == "the hash of user ada is no bcrypt")
        #expect(
            reason(hash.replacing("$04$", with: "$17$"))
                == "the hash of user ada has cost 17, which takes too long")
    }

    @Test func `a token carries what the entry wants in sub`() throws {
        let scene = try ActionScene()
        let register = scene.action(
            .testRegister(issues: .jwt(auth: "logins")), tokens: jwt(.id))
        let token = try #require(try scene.ask(register, ada).body["access_token"]?.text)
        #expect(token.split(separator: ".").count == 3)
        #expect(token.hasPrefix("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."))
        let user = try #require(try scene.withStore { try $0.user(.username("ada")) })
        #expect(BoundAction.subject(.id, user) == user.publicID)
        #expect(BoundAction.subject(.username, user) == "ada")
        let nameless = #"{"email": "x@example.com", "password": "p"}"#
        let byName = scene.action(.testRegister(issues: .jwt(auth: "logins")), tokens: jwt(.username))
        #expect(try scene.ask(byName, nameless).detail == "`username` is missing.")
        #expect(try scene.withStore { try $0.users().count } == 1)
    }

    @Test func `a stored key shows in the status`() throws {
        let scene = try ActionScene()
        #expect(try scene.ask(scene.action(.testRegister()), ada).status == 201)
        try scene.withStore { store in
            let user = try #require(try store.user(.username("ada")))
            _ = try store.setUpstreamKey(
                user: user.id, name: "default", key: Secret("sk-1"), source: "manual")
        }
        let answer = try scene.ask(
            scene.action(.testLogin()), #"{"username": "ada", "password": "test123"}"#)
        #expect(
            answer.body["api_key_status"]
                == .object([
                    .init("has_key", .bool(true)), .init("source", .string("database")),
                    .init("synced", .bool(false)),
                ]))
    }

    @Test func `an address or name that is taken is refused without case`() throws {
        let scene = try ActionScene()
        let register = scene.action(.testRegister())
        #expect(try scene.ask(register, ada).status == 201)
        let again = try scene.ask(register, #"{"email": "ADA@example.com", "password": "x"}"#)
        #expect(again.status == 409 && again.detail == "Email already registered")
        let other = scene.action(.testRegister(duplicateStatus: 400))
        let named = try scene.ask(
            other, #"{"email": "b@example.com", "username": "ada", "password": "x"}"#)
        let inCapitals = try scene.ask(
            other, #"{"email": "c@example.com", "username": "ADA", "password": "x"}"#)
        #expect(inCapitals.status == 400 && inCapitals.detail == "Username already registered")
        #expect(named.status == 400 && named.detail == "Username already registered")
        #expect(try scene.withStore { try $0.users().count } == 1)
    }

    @Test(arguments: [true, false])
    func `a password that is changed during a login lets nobody in, nor is one who is disabled`(
        isDisabled: Bool
    ) throws {
        let scene = try ActionScene()
        let user = try scene.withStore { store in
            try store.createUser(
                NewUser(username: "ada", passwordHash: PasswordHash.make(Array("old".utf8), cost: 4)))
        }
        let changed = PasswordHash.make(Array("new".utf8), cost: 4)
        let store = InterferedStore(scene.keeper) { store in
            do throws(StoreError) {
                if isDisabled {
                    try store.setActive(user.id, false)
                } else {
                    try store.setPasswordHash(user.id, changed)
                }
            } catch { Issue.record(error) }
        }
        let answer = try scene.ask(
            scene.action(.testLogin(.username), store: store), #"{"username": "ada", "password": "old"}"#)
        #expect(answer.status == 401)
        #expect(try scene.withStore { try $0.keys(ofUser: nil) } == [])
        #expect(try scene.withStore { try $0.passwordHash(of: .id(user.id))?.hash } != nil)
    }

    @Test func `a hash of another cost is made anew at the login`() throws {
        let scene = try ActionScene()
        let old = PasswordHash.make(Array("pw".utf8), cost: 6)
        try scene.withStore { store in
            _ = try store.createUser(NewUser(username: "ada", passwordHash: old))
        }
        let login = scene.action(.testLogin(.username))
        func hash() throws -> String? {
            try scene.withStore { try $0.passwordHash(of: .username("ada"))?.hash }
        }
        #expect(try scene.ask(login, #"{"username": "ada", "password": "no"}"#).status == 401)
        #expect(try hash() == old)
        #expect(try scene.ask(login, #"{"username": "ada", "password": "pw"}"#).status == 200)
        let renewed = try #require(try hash())
        #expect(PasswordHash.cost(of: renewed) == 4)
        #expect(try scene.ask(login, #"{"username": "ada", "password": "pw"}"#).status == 200)
        #expect(try hash() == renewed)
    }

    @Test func `a hash of a higher cost does not show by the time of a refusal`() throws {
        let scene = try ActionScene()
        try scene.withStore { store in
            let hash = PasswordHash.make(Array("pw".utf8), cost: 11)
            _ = try store.createUser(NewUser(username: "ada", passwordHash: hash))
        }
        let login = scene.action(.testLogin(.username))
        /// The least of some, which other work on the machine does not blur.
        func nanoseconds(_ name: String) throws -> Double {
            let times = try (0..<5).map { _ in
                let begin = headgate_monotonic_ns()
                let answer = try scene.ask(login, #"{"username": "\#(name)", "password": "no"}"#)
                #expect(answer.status == 401)
                return Double(headgate_monotonic_ns() - begin)
            }
            return times.min() ?? 0
        }
        let known = try nanoseconds("ada")
        let unknown = try nanoseconds("bob")
        #expect(unknown > known / 1.8 && unknown < known * 1.8)
    }

    @Test func `a user can be the answer`() throws {
        let scene = try ActionScene()
        let register = scene.action(
            .testRegister(required: ["username", "password"], optional: [], issues: nil))
        let made = try scene.ask(register, #"{"username": "ada", "email": 5, "password": "test123"}"#)
        #expect(made.status == 201)
        #expect(made.body.members?.map(\.key) == ["id", "email", "username"])
        #expect(made.body["email"] == .null)
    }

    @Test(arguments: [
        (#"{"email": "ada@example.com"}"#, "`password` is missing."),
        (#"{"email": "ada@example.com", "password": null}"#, "`password` is missing."),
        (#"{"email": "not-an-email", "password": "password1"}"#, "`email` must be an e-mail address."),
        (#"{"password": "password1"}"#, "`email` is missing."),
        (#"{"email": "a@b.c", "password": 12345678}"#, "`password` must be at least 8 characters"),
        (#"{"email": "a@b.c", "password": "short"}"#, "`password` must be at least 8 characters"),
        (#"{"email": "a@b.c", "password": "password1", "username": "a/b"}"#, "`username` must be"),
        ("{", "The body is not JSON"), (#"{"email": "a@b.c", "email": "d@e.f"}"#, "The body has a key twice"),
    ])
    func `what a registration lacks is told`(body: String, message: String) throws {
        let scene = try ActionScene()
        let register = scene.action(.testRegister(passwordLengthMin: 8))
        let answer = try scene.ask(register, body)
        #expect(answer.status == 422)
        #expect(answer.detail?.hasPrefix(message) == true, "\(answer.text)")
        let openai = try scene.ask(scene.action(.testRegister(passwordLengthMin: 8), errors: .openai), body)
        #expect(openai.status == 400)
        #expect(try scene.withStore { try $0.users().isEmpty })
    }

    @Test func `a long password counts whole`() throws {
        let scene = try ActionScene()
        let long = String(repeating: "x", count: 100)
        let body = #"{"email": "a@b.c", "password": ""# + long
        #expect(try scene.ask(scene.action(.testRegister()), body + #"1"}"#).status == 201)
        #expect(try scene.ask(scene.action(.testLogin()), body + #"1"}"#).status == 200)
        #expect(try scene.ask(scene.action(.testLogin()), body + #"2"}"#).status == 401)
    }
}
