/// `env_file`: a file of `NAME=value` lines, read before anything else is.
public struct EnvironmentFileConfig: Equatable, Sendable {
    /// Path, relative to where `relative_to` says.
    public var path: String
    /// That it is not there is no error. Default false.
    public var isOptional = false

    public init(path: String, isOptional: Bool = false) {
        self.path = path
        self.isOptional = isOptional
    }
}

extension EnvironmentFileConfig {
    init(_ node: MappingReader) {
        path = node.required("path", .verbatimPath, "File of `NAME=value` lines.")
        isOptional = node.value(
            "optional", .bool, default: "false", "That it is not there is no error; it is read once it is.")
    }
}

/// `relative_to`: what relative paths in the file start from.
public enum RelativeToConfig: String, Equatable, Sendable, CaseIterable {
    /// The folder of the config file.
    case configFile = "config_file"
    /// The working directory of whoever reads the file: `headgate run`, or a command beside it.
    case workingDirectory = "working_directory"
}

extension Form where Value == String {
    /// A path of `env_file`. Read before there is anything to expand.
    static var verbatimPath: Form {
        Form(schema: Schema.string(pattern: "^[^$]+$"), standIn: "") { (place) throws(Noted) in
            try place.refuseVariable()
            return try filePath.read(place)
        }
    }
}

extension Form where Value == RelativeToConfig {
    /// Why verbatim: the files that hold variables are found by it.
    static var relativeTo: Form {
        let word: Form = .word
        return Form(schema: word.schema(), standIn: .configFile) { (place) throws(Noted) in
            try place.refuseVariable()
            return try word.read(place)
        }
    }
}

extension Place {
    fileprivate func refuseVariable() throws(Noted) {
        if case .scalar(let text, _) = node.kind, text.unicodeScalars.contains("$") {
            throw fail("cannot hold `$`: it is read before anything is expanded")
        }
    }
}
