@testable import CLI

/// A gate with a store and the built-in actions, and curl as its client.
final class ActionsScene {
    let gate: Gate
    let operatorOfGate: Operator

    /// - Parameter config: reads `JWT_SECRET` and `MASTER_KEY` from its `env_file`.
    init(_ config: String) throws {
        let folder = try Folder()
        try folder.write(
            "gate.env", "JWT_SECRET=\(Fresh.text(40))\nMASTER_KEY=\(Fresh.hex(64))\n")
        // Why before: a gate without its store knows nobody.
        try folder.write("staged.yaml", Gate.whole(config, Address.free(), folder))
        operatorOfGate = Operator(folder: folder, config: folder("staged.yaml"))
        _ = try operatorOfGate.run("db", "init", "--no-admin")
        gate = try Gate(config, folder: folder)
    }

    /// The command line as the pages of the old systems print it, behind `curl`; `$URL` is the gate's.
    func curl(_ arguments: String...) throws -> CurlAnswer {
        let whole = arguments.map { $0.replacing("$URL", with: "http://\(gate.address.authority)") }
        let result = try run(
            ["curl", "-sS", "-w", "\n%{http_code}"] + whole, in: gate.folder)
        guard result.code == 0 else { throw Trouble("curl: \(result.errors)") }
        let end = result.output.lastIndex(of: "\n") ?? result.output.startIndex
        let status = Int(result.output[end...].dropFirst()) ?? 0
        return try CurlAnswer(status: status, json: parseJSON(String(result.output[..<end])))
    }
}

struct CurlAnswer {
    let status: Int
    let json: MockJSON

    func text(_ member: String) -> String? { json[member]?.stringValue }
}
