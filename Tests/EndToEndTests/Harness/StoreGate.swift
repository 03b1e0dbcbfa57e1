@testable import CLI

/// A gate with a store, and what the store says was used.
extension Gate {
    static let storeName = "app.db"

    /// Makes the store of the folder, unless it is there, and starts a gate.
    /// - Parameters:
    ///   - config: has `stores` with the file `app.db`.
    ///   - prepare: done with the new store before the gate starts, so that it knows all from the beginning.
    static func withStore(
        _ config: String, folder: Folder? = nil, options: [String] = [], environment: [String] = [],
        prepare: (Operator) throws -> Void = { _ in }
    ) throws -> Gate {
        let folder = try folder ?? Folder()
        if !folder.exists(storeName) {
            try folder.write("staged.yaml", Gate.whole(config, Address.free(), folder))
            let commands = Operator(folder: folder, config: folder("staged.yaml"))
            _ = try commands.run("db", "init", "--no-admin")
            try prepare(commands)
        }
        return try Gate(config, folder: folder, options: options, environment: environment)
    }

    /// An operator who reads the gate's own file.
    var commands: Operator { Operator(folder: folder, config: folder(Gate.configName)) }

    /// Requests of which `status` says that what they used is in the store; since the start.
    func usageWritten() throws -> Int {
        try requireStatus()["usage"]?["written"]?.integerValue ?? 0
    }

    func waitForUsage(of requests: Int) throws {
        try waitUntil("the usage of \(requests) requests to be written", within: 30) {
            try usageWritten() >= requests
        }
    }

    /// What `headgate usage --by model` shows, by model.
    func usageByModel() throws -> [String: MockJSON] {
        let rows = try parseJSON(commands.run("usage", "--by", "model", "--json"))["rows"]?.arrayValue ?? []
        return try Dictionary(uniqueKeysWithValues: rows.map { (try $0.text("model"), $0) })
    }

    /// A chat request.
    /// - Parameter more: members besides the model and the messages, each with a comma behind it.
    func chat(
        _ more: String = "", model: String = "m", fields: [String] = [], path: String = "/v1/chat/completions"
    ) throws -> Response {
        try exchange("POST", path, fields: fields, body: chatBody(more, model: model))
    }

    func chatRequest(
        _ more: String = "", model: String = "m", fields: [String] = [], path: String = "/v1/chat/completions"
    ) -> String {
        request("POST", path, fields: fields, body: chatBody(more, model: model))
    }
}

func chatBody(_ more: String = "", model: String = "m") -> String {
    #"{"model":"\#(model)",\#(more)"messages":[{"role":"user","content":"Hello!"}]}"#
}
