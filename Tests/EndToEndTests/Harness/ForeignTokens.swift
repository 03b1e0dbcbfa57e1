@testable import CLI

/// Keys and tokens of PyJWT and joserfc, made for one test (`SDK/jwt_tokens.py`).
struct ForeignTokens {
    /// By algorithm and library.
    let good: [(name: String, token: String)]
    /// By what is wrong.
    let bad: [(name: String, token: String)]
    /// Signed by the key of `next.json`.
    let next: String

    /// Writes the keys into the folder.
    init(_ folder: Folder) throws {
        let result = try Python.run("jwt_tokens.py", folder.path, in: folder)
        guard result.code == 0 else { throw Trouble("jwt_tokens.py: \(result.errors)") }
        let made: MockJSON
        do throws(MockJSONError) {
            made = try MockJSONReader.read(Array(result.output.utf8))
        } catch { throw Trouble("jwt_tokens.py printed no JSON: \(error.problem)") }
        good = ForeignTokens.members(made["good"])
        bad = ForeignTokens.members(made["bad"])
        next = made["next"]?.stringValue ?? ""
        guard good.count == 21, bad.count == 25, !next.isEmpty else {
            throw Trouble("jwt_tokens.py made \(good.count) good and \(bad.count) bad tokens")
        }
    }

    /// One that is good.
    func token(_ name: String) throws -> String {
        guard let found = good.first(where: { $0.name == name }) else { throw Trouble("no token \(name)") }
        return found.token
    }

    private static func members(_ value: MockJSON?) -> [(name: String, token: String)] {
        guard case .object(let members)? = value else { return [] }
        return members.map { ($0.name, $0.value.stringValue ?? "") }
    }
}

extension Gate {
    /// What a request with this credential is answered.
    func response(to token: String, at path: String = "/") throws -> Response {
        try exchange("GET", path, fields: ["Authorization: Bearer \(token)"])
    }
}
