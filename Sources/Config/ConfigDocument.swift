/// A file that is YAML, not yet a configuration: text in, value or diagnostics out. Touches nothing outside.
public struct ConfigDocument: Sendable {
    private let source: SourceText
    let root: Node
    private let remarks: [YAMLTree.Remark]
    let redaction: Redaction

    private init(source: SourceText, root: Node, remarks: [YAMLTree.Remark]) {
        self.source = source
        self.root = root
        self.remarks = remarks
        redaction = Redaction(root: root)
    }

    private func reading(_ environment: @escaping (String) -> String?) -> Reading {
        Reading(source: source, root: root, redaction: redaction, environment: environment)
    }

    /// The tree of a file. `file` is what messages call it.
    ///
    /// The document is nil iff the text cannot be read as YAML; then there is exactly one diagnostic.
    ///
    /// - Parameter settings: what the command line sets, in order.
    public static func parse(
        _ bytes: [UInt8], file: String, settings: [ConfigSetting] = []
    ) -> (document: ConfigDocument?, diagnostics: [Diagnostic]) {
        // Why cut: a position needs no more than the beginning of what is too long anyway.
        let isTooLong = bytes.count > SourceText.byteCountMax
        let text = SourceText(file: file, bytes: isTooLong ? [] : bytes)
        do throws(YAMLTree.Failure) {
            if isTooLong { throw tooLong(bytes.count) }
            if let problem = TextEncoding.firstProblem(in: text.bytes) {
                throw misencoded(problem, in: text)
            }
            let (root, remarks) = try YAMLTree.build(text)
            guard case .mapping = root.kind else {
                let message = "the file must be a mapping of keys, found \(root.kindName)"
                throw .init(span: root.span, message: message, hint: "it begins with `version: 1`")
            }
            return ConfigDocument(source: text, root: root, remarks: remarks).with(settings)
        } catch {
            return (nil, [problem(error, in: text)])
        }
    }

    private func with(_ settings: [ConfigSetting]) -> (ConfigDocument?, [Diagnostic]) {
        let source = source.with(settings)
        var root = root
        for (index, setting) in settings.enumerated() {
            let editor = SettingEditor(setting: setting, line: source.settingsStart + index)
            do throws(YAMLTree.Failure) {
                root = try editor.apply(to: root)
            } catch {
                return (nil, [ConfigDocument.problem(error, in: source)])
            }
        }
        return (ConfigDocument(source: source, root: root, remarks: remarks), [])
    }

    private static func problem(_ failure: YAMLTree.Failure, in source: SourceText) -> Diagnostic {
        let reading = Reading(source: source, root: nil, environment: { _ in nil })
        reading.note(.error, failure.message, hint: failure.hint, at: failure.span, path: .root)
        return reading.diagnostics[0]
    }

    /// `env_file`: to be read before `read(environment:)`, whose environment they feed. What is wrong with
    /// the key itself is said there.
    public var environmentFiles: [EnvironmentFileConfig] {
        early("env_file", .oneOrList(.mapping(shortFor: "path", EnvironmentFileConfig.init))) ?? []
    }

    /// `relative_to`: where those files are.
    public var relativeTo: RelativeToConfig { early("relative_to", .relativeTo) ?? .configFile }

    /// nil: the key is not there, or something is wrong with it.
    private func early<Value>(_ key: String, _ form: Form<Value>) -> Value? {
        guard let node = root.value(of: key) else { return nil }
        let reading = self.reading { _ in nil }
        do throws(Noted) {
            let value = try form.read(Place(node: node, path: .key(.root, key), reading: reading))
            return reading.hasErrors ? nil : value
        } catch { return nil }
    }

    /// The configuration, its relations checked. It is nil iff there is an error; warnings may stand beside
    /// it.
    public func read(environment: (String) -> String?) -> (config: GatewayConfig?, diagnostics: [Diagnostic])
    {
        let draft = draft(environment: environment)
        return (draft.hasErrors ? nil : draft.config, draft.diagnostics)
    }

    /// Like `read`, but keeps what could be read of a file that has errors.
    public func draft(environment: (String) -> String?) -> ConfigDraft {
        withoutActuallyEscaping(environment) { environment in
            let reading = self.reading(environment)
            for remark in remarks {
                reading.note(
                    .error, remark.message, hint: remark.hint, at: remark.span, pathText: remark.path)
            }
            var config: GatewayConfig?
            let place = Place(node: root, path: .root, reading: reading)
            do throws(Noted) { config = try Form.mapping(GatewayConfig.init).read(place) } catch {
                config = nil
            }
            config = config.map { DefaultNames.fill($0, reading) }
            if let config { Validation(config, reading).run() }
            return ConfigDraft(
                config: config, hasErrors: reading.hasErrors,
                diagnostics: sortedByPosition(reading.diagnostics))
        }
    }

    func place(_ severity: Diagnostic.Severity, _ message: String, at path: ConfigPath) -> Diagnostic {
        let reading = self.reading { _ in nil }
        reading.note(severity, message, at: reading.span(of: path), path: path)
        return reading.diagnostics[0]
    }

    private static func tooLong(_ count: Int) -> YAMLTree.Failure {
        let message = "the file is \(count) bytes long; at most \(SourceText.byteCountMax) (4 MiB) are read"
        return .init(span: .start, message: message, hint: nil)
    }

    private static func misencoded(_ problem: TextEncoding.Problem, in source: SourceText) -> YAMLTree.Failure
    {
        let mark = source.mark(ofByte: problem.offset)
        let end = Mark(line: mark.line, column: mark.column + 1)
        return .init(span: Span(start: mark, end: end), message: problem.message, hint: problem.hint)
    }
}

/// What a file gave, right or wrong.
public struct ConfigDraft: Sendable {
    /// With empty stand-ins for what could not be read. If there are errors it must not be served; it only
    /// shows what the file names, so that a missing secret is told together with all else that is wrong.
    public let config: GatewayConfig?
    public let hasErrors: Bool
    /// By position.
    public let diagnostics: [Diagnostic]
}
