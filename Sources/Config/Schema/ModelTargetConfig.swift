/// `UPSTREAM` or `UPSTREAM/MODEL`: where requests for a model go.
public struct ModelTargetConfig: Hashable, Sendable {
    public var upstream: String
    /// What the model is called there; nil: as the request says.
    public var model: String?
}

extension Form where Value == ModelTargetConfig {
    static var modelTarget: Form {
        let wanted = "`UPSTREAM` or `UPSTREAM/MODEL`"
        return .scalar(
            wanted, schema: .string(pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(/.{1,256})?$"),
            standIn: ModelTargetConfig(upstream: "", model: nil)
        ) { (scalar) throws(Mismatch) in
            let parts = scalar.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard scalar.core != .null, NameRule.entries.isValid(String(parts[0])) else {
                throw Mismatch(text: "must be \(wanted)")
            }
            guard parts.count == 2 else { return ModelTargetConfig(upstream: scalar.text, model: nil) }
            guard NameRule.models.isValid(String(parts[1])) else {
                throw Mismatch(
                    text: "must be \(wanted)", hint: "without a model, leave the `/` out")
            }
            return ModelTargetConfig(upstream: String(parts[0]), model: String(parts[1]))
        }
    }
}
