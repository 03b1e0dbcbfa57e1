import Glibc

/// The variables that the gateway sees: its own environment over the `env_file`s.
public struct Environment: Sendable {
    /// A variable that the process has wins over the files; among files, later ones win.
    public private(set) var values: [String: String]

    public init(process: [String: String], files: [EnvironmentFile] = []) {
        values = [:]
        for file in files { values.merge(file.values) { $1 } }
        values.merge(process) { $1 }
    }

    public subscript(name: String) -> String? { values[name] }

    /// What this process was started with.
    public static func ofProcess() -> [String: String] {
        var values: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                values[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return values
    }
}

/// Where a secret comes from: a typed reference in the file, never a magic prefix.
public enum SecretSource: Hashable, Sendable {
    /// `{env: NAME}`
    case environment(String)
    /// `{file: path}`: the file's content without one trailing line end.
    case file(String)
    /// `{credential: name}`: `$CREDENTIALS_DIRECTORY/name`, as systemd's `LoadCredential=` leaves it.
    case credential(String)

    /// Bytes of a secret file.
    public static let limitBytes = 64 << 10

    /// - Throws: a message that says what is missing and never quotes a value.
    public func resolve(in environment: Environment) throws(SecretError) -> Secret {
        switch self {
        case .environment(let name):
            guard let value = environment[name] else { throw .variableMissing(name) }
            guard !value.isEmpty else { throw .variableEmpty(name) }
            return Secret(value)
        case .file(let path):
            return try SecretSource.read(path)
        case .credential(let name):
            return try SecretSource.read(SecretSource.credentialPath(name, in: environment))
        }
    }

    /// The file behind this source, which a watcher has to watch; nil for a variable.
    public func path(in environment: Environment) -> String? {
        switch self {
        case .environment: nil
        case .file(let path): path
        case .credential(let name):
            environment["CREDENTIALS_DIRECTORY"].map { "\($0)/\(name)" }
        }
    }

    private static func credentialPath(
        _ name: String, in environment: Environment
    ) throws(SecretError) -> String {
        guard !name.isEmpty, !name.contains("/"), name != ".." else { throw .credentialNameInvalid(name) }
        guard let folder = environment["CREDENTIALS_DIRECTORY"], !folder.isEmpty else {
            throw .noCredentialsDirectory(name)
        }
        return "\(folder)/\(name)"
    }

    private static func read(_ path: String) throws(SecretError) -> Secret {
        var bytes: [UInt8]
        do throws(FileReadError) {
            bytes = try readFile(path, limitBytes: limitBytes)
        } catch {
            throw .fileUnreadable(path, error)
        }
        if bytes.last == UInt8(ascii: "\n") {
            bytes.removeLast()
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        }
        guard !bytes.isEmpty else { throw .fileEmpty(path) }
        return Secret(bytes)
    }
}

public enum SecretError: Error, Equatable, CustomStringConvertible {
    case variableMissing(String)
    case variableEmpty(String)
    case fileUnreadable(String, FileReadError)
    case fileEmpty(String)
    case credentialNameInvalid(String)
    case noCredentialsDirectory(String)

    public var description: String {
        switch self {
        case .variableMissing(let name): "environment variable \(name) is not set"
        case .variableEmpty(let name): "environment variable \(name) is empty"
        case .fileUnreadable(let path, let error): "cannot read \(path): \(error)"
        case .fileEmpty(let path): "\(path) is empty"
        case .credentialNameInvalid(let name): "`\(name)` is not the name of a credential"
        case .noCredentialsDirectory(let name):
            "credential \(name): no $CREDENTIALS_DIRECTORY; systemd sets it for LoadCredential=\(name):PATH"
        }
    }
}
