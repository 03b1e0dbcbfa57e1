/// A step from the top of the file towards a value: the parts of `routes[3].to`.
public enum ConfigStep: Equatable, Sendable {
    case key(String)
    case index(Int)
}

extension ConfigDocument {
    /// A problem that shows only when the file's wishes are carried out (an address in use, a secret that is
    /// missing), put at its place in the file, or at the nearest ancestor that is there.
    public func diagnostic(_ severity: Diagnostic.Severity, at steps: [ConfigStep], _ message: String)
        -> Diagnostic
    {
        var path = ConfigPath.root
        for step in steps {
            switch step {
            case .key(let name): path = .key(path, name)
            case .index(let index): path = .index(path, index)
            }
        }
        let text = steps.isEmpty ? message : "\(path.text): \(message)"
        return place(severity, text, at: path)
    }
}
