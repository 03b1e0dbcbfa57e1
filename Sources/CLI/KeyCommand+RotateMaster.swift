import Glibc
import JSON
import Proxy
import Stores

extension KeyCommand {
    /// Rows of one step: nobody who writes meanwhile waits long for it.
    private static let rowsPerStep = 100

    static func rotateMaster(_ command: CommandLineArguments) -> Int32 {
        StoreCommand.perform(command) { target in
            let store = try target.openSealed()
            defer { store.close() }
            guard case .found(let master) = target.masterKey() else {
                throw StoreError.cannotSeal(
                    "there is no `encryption_key` to seal with; `headgate db init --print-key` makes one")
            }
            let rotation = try rotate(store, tells: !command.isJSON && isatty(STDERR_FILENO) == 1)
            let left = try store.masterKeyIDs().filter { $0 != master.id }
            let previous = target.previousMasterKeys().keys
            return StoreCommand.Outcome(
                text(rotation, master.id, left), remark: remark(rotation, left, previous),
                code: rotation.unopened.isEmpty ? ExitCode.success : ExitCode.failure
            ) { json in
                json.member("master_key_id", master.id)
                json.member("sealed", Int64(rotation.count))
                json.key("other_master_key_ids")
                json.beginArray()
                for id in left { json.value(id) }
                json.endArray()
                json.key("unopened")
                json.beginArray()
                for key in rotation.unopened { write(key, &json) }
                json.endArray()
            }
        }
    }

    private struct Rotation {
        var count = 0
        /// What the last round could not open.
        var unopened: [Resealing.Unopened] = []
    }

    /// Goes round until nothing is left to do: a daemon that does not know the new master key yet may seal
    /// with the old one meanwhile.
    private static func rotate(_ store: Store, tells: Bool) throws(StoreError) -> Rotation {
        var rotation = Rotation()
        while true {
            let before = rotation.count
            let total = try store.countUpstreamKeysToReseal()
            rotation.unopened = []
            var last: Int64? = 0
            while let after = last {
                let step = try store.resealUpstreamKeys(after: after, limit: rowsPerStep)
                last = step.isComplete ? nil : step.last
                rotation.count += step.resealedCount
                rotation.unopened += step.unopened
                if tells, !step.isComplete {
                    let done = rotation.count - before + rotation.unopened.count
                    Terminal.printError("\(done) of \(total) keys")
                }
            }
            guard rotation.count > before else { return rotation }
        }
    }

    private static func text(_ rotation: Rotation, _ id: String, _ left: [String]) -> String {
        let keys = rotation.count == 1 ? "1 key" : "\(rotation.count) keys"
        let done =
            rotation.count == 0 && rotation.unopened.isEmpty
            ? "every key is encrypted with master key \(id) already"
            : "encrypted \(keys) with master key \(id)"
        guard !left.isEmpty else { return done }
        return "\(done)\nother master keys that are needed still: \(left.joined(separator: ", "))"
    }

    private static func remark(
        _ rotation: Rotation, _ left: [String], _ previous: [MasterKey]
    ) -> String? {
        var lines = rotation.unopened.map { key in
            "key \(key.id), `\(Terminal.printable(key.name))`\(key.userID == nil ? " (shared)" : "") cannot be "
                + "opened and stays as it is: \(key.reason)"
        }
        let ids = previous.map(\.id).filter { !left.contains($0) }
        if !ids.isEmpty {
            let which = ids.joined(separator: ", ")
            lines.append("nothing is encrypted with \(which): it can leave `previous_encryption_keys`")
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    private static func write(_ key: Resealing.Unopened, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("id", key.id)
        json.member("name", key.name)
        json.member("shared", key.userID == nil)
        json.member("reason", key.reason)
        json.endObject()
    }
}
