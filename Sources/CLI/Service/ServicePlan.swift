import Config
import Glibc
import Stores

/// What a service is to be: its names and places, and the unit that says so.
struct ServicePlan: Equatable {
    var name = "headgate"
    var user = "headgate"
    /// Whom it runs as was said: then it must be there.
    var isUserNamed = false
    /// It works there, and may write there. nil: it has no such place.
    var directory: String?
    var config = ""
    /// Nobody said which file: it has the place that it would be looked for.
    var isConfigNamed = false
    /// Of the system that it is installed in: empty, or without a slash at its end.
    var prefix = ""
    /// As the unit names it, without the prefix.
    var binary = ServicePlan.binaryDefault
    /// What runs now; it is copied to `binary` where that is another.
    var source = ServicePlan.binaryDefault

    static let binaryDefault = "/usr/local/bin/headgate"

    init(name: String = "headgate", directory: String? = nil) {
        self.name = name
        self.directory = directory
        config = configDefault
    }

    init(_ command: CommandLineArguments) throws(ServiceError) {
        name = command["--name"] ?? name
        isUserNamed = command["--user"] != nil
        user = command["--user"] ?? user
        directory = try command["--directory"].map(ServicePlan.absolute)
        isConfigNamed = command.config != nil
        config = try command.config.map(ServicePlan.absolute) ?? configDefault
        prefix = try command["--prefix"].map(ServicePlan.absolute) ?? ""
        if prefix == "/" { prefix = "" }
        try checkWords()
        try checkDirectory()
        source = try ServicePlan.executable()
        binary = ServicePlan.isReachable(source) && prefix.isEmpty ? source : ServicePlan.binaryDefault
    }

    /// A service works in `/` where nobody says where: nothing of what such a file means is there.
    private func checkDirectory() throws(ServiceError) {
        guard directory == nil, isConfigNamed else { return }
        var text: [UInt8] = []
        // What cannot be read is told by those who need it.
        do throws(FileReadError) { text = try readFile(config, limitBytes: 16 << 20) } catch { return }
        let document = ConfigDocument.parse(text, file: config).document
        guard document?.relativeTo == .workingDirectory else { return }
        throw ServiceError(
            "\(config) says `relative_to: working_directory`: name the folder with --directory, such as "
                + "--directory \"$PWD\"")
    }

    // MARK: Places, without the prefix

    var unit: String { "\(name).service" }
    var unitPath: String { "/etc/systemd/system/\(unit)" }
    /// Where packages and `make install` put units, which is looked at last.
    var packagedUnitPaths: [String] {
        [
            "/usr/local/lib/systemd/system/\(unit)", "/usr/lib/systemd/system/\(unit)",
            "/lib/systemd/system/\(unit)",
        ]
    }
    var statePath: String { "/var/lib/\(name)" }
    var configFolder: String { ServicePlan.folder(of: config) }
    var environmentPath: String { configFolder + "/.env" }
    private var configDefault: String { (directory ?? "/etc/\(name)") + "/headgate.yaml" }

    /// The unit that comes with headgate does as it is.
    var isStandard: Bool { directory == nil && !isConfigNamed && !isUserNamed }

    // MARK: Texts

    /// The unit that comes with headgate, for these names and places.
    var unitText: String {
        var lines: [String] = []
        for line in ServiceTexts.unit.split(separator: "\n", omittingEmptySubsequences: false) {
            lines += adapted(String(line))
        }
        return lines.joined(separator: "\n")
    }

    private func adapted(_ line: String) -> [String] {
        let isHome = directory.map(ServicePlan.isHidden) ?? false
        switch line {
        // Why gone: the page comes with packages and `make install`.
        case let line where line.hasPrefix("Documentation="): return []
        // Why not as root: whoever may write in the folder would have root open what the file names.
        case let line where line.hasPrefix("ExecStartPre=+") && directory != nil:
            return [
                line.replacing("ExecStartPre=+", with: "ExecStartPre=")
                    .replacing("/etc/headgate/headgate.yaml", with: config)
                    .replacing("/usr/bin/headgate", with: binary)
            ]
        case "User=headgate":
            return ["User=\(user)"] + (directory.map { ["WorkingDirectory=\($0)"] } ?? [])
        // Without the line it is that of the user.
        case "Group=headgate": return isUserNamed ? [] : [line]
        case "ConfigurationDirectory=headgate":
            return directory == nil ? ["ConfigurationDirectory=\(name)"] : []
        case "StateDirectory=headgate", "LogsDirectory=headgate", "RuntimeDirectory=headgate",
            "SyslogIdentifier=headgate":
            return [line.replacing("=headgate", with: "=\(name)")]
        case "ProtectSystem=strict":
            return [line] + (directory.map { ["ReadWritePaths=\($0)"] } ?? [])
        case "ProtectHome=yes":
            // Why a tmpfs: all other homes stay out of sight.
            return isHome ? ["ProtectHome=tmpfs", "BindPaths=\(directory ?? "")"] : [line]
        case _:
            return [
                line.replacing("/etc/headgate/headgate.yaml", with: config)
                    .replacing("/usr/bin/headgate", with: binary)
            ]
        }
    }

    /// What a configuration begins with.
    var configText: String {
        let tokens = directory == nil ? "\(statePath)/api_tokens.json" : "data/api_tokens.json"
        return ServiceTexts.config
            .replacing("/var/lib/headgate/api_tokens.json", with: tokens)
            .replacing("/etc/headgate/headgate.yaml", with: config)
    }

    // MARK: Words

    /// Why so few characters: a unit reads blanks, quotes, `%` and `$` in its own way.
    private func checkWords() throws(ServiceError) {
        for (option, word) in [("--name", name), ("--user", user)]
        where !ServicePlan.isPlain(word, besides: "._-") || word.allSatisfy({ $0 == "." }) {
            throw ServiceError("\(option): `\(word)` has to be letters, digits, `.`, `_` and `-`")
        }
        for (option, path) in [("--directory", directory ?? "/"), ("--config", config), ("--prefix", prefix)]
        where !ServicePlan.isPlain(path, besides: "/._-+@") {
            throw ServiceError("\(option): \(path) has to be letters, digits and `/._-+@`")
        }
    }

    private static func isPlain(_ word: String, besides others: String) -> Bool {
        word.utf8.first != UInt8(ascii: "-")
            && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || others.contains($0) }
    }

    /// A service can run what is there, and root may: the sandbox hides homes and temporary folders, and a
    /// file that somebody else may replace is not for ExecStartPre=+.
    private static func isReachable(_ path: String) -> Bool {
        (path.hasPrefix("/usr/") || path.hasPrefix("/opt/")) && isRootsAlone(path)
    }

    /// The file and every folder above it belong to root, and nobody else may write there.
    private static func isRootsAlone(_ path: String) -> Bool {
        var place = path
        while true {
            var status = stat()
            guard lstat(place, &status) == 0, status.st_uid == 0 else { return false }
            let isLink = status.st_mode & S_IFMT == S_IFLNK
            guard isLink || status.st_mode & 0o022 == 0 else { return false }
            guard place != "/" else { return true }
            place = folder(of: place)
        }
    }

    private static func isHidden(_ folder: String) -> Bool {
        ["/home", "/root", "/run/user"].contains { folder == $0 || folder.hasPrefix($0 + "/") }
    }

    private static func executable() throws(ServiceError) -> String {
        guard let path = realPath("/proc/self/exe") else {
            throw ServiceError("cannot find out which file is running: is /proc there?")
        }
        return path
    }

    /// Where a path leads, links followed as far as it is there.
    static func absolute(_ path: String) throws(ServiceError) -> String {
        if let path = realPath(path) { return path }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard let folder = realPath(folder(of: path)), !name.isEmpty, name != ".." else {
            throw ServiceError("\(path): there is no \(folder(of: path))")
        }
        return folder == "/" ? "/" + name : folder + "/" + name
    }

    private static func realPath(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension String {
    /// Every `part`, from left to right.
    func replacing(_ part: String, with other: String) -> String {
        var rest = self[...]
        var text = ""
        while let found = rest.firstRange(of: part) {
            text += rest[..<found.lowerBound] + other
            rest = rest[found.upperBound...]
        }
        return text + rest
    }
}
