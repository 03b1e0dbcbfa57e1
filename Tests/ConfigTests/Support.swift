import Testing

@testable import Config

/// Reads text as a file named `test.yaml`.
func read(
    _ text: String, environment: [String: String] = [:]
) -> (config: GatewayConfig?, diagnostics: [Diagnostic]) {
    let (document, diagnostics) = ConfigDocument.parse(Array(text.utf8), file: "test.yaml")
    guard let document else { return (nil, diagnostics) }
    return document.read { environment[$0] }
}

/// The configuration of a file that must be free of errors.
func config(_ text: String, environment: [String: String] = [:]) throws -> GatewayConfig {
    let result = read(text, environment: environment)
    return try #require(result.config, "\(renderReport(result.diagnostics))")
}

/// The first error of a file.
func firstError(_ text: String) -> Diagnostic? { read(text).diagnostics.first { $0.severity == .error } }

/// Reads one value by its form, at the key path `key`.
func value<Value>(
    _ form: Form<Value>, _ yaml: String, environment: [String: String] = [:]
) throws -> (value: Value?, diagnostics: [Diagnostic]) {
    let source = SourceText(file: "test.yaml", bytes: Array("key: \(yaml)\n".utf8))
    let root: Node
    do { root = try YAMLTree.build(source).root } catch {
        Issue.record("not YAML: \(error.message)")
        throw error
    }
    let node = try #require(root.value(of: "key"))
    let reading = Reading(source: source, root: root, environment: { environment[$0] })
    let value: Value?
    do throws(Noted) {
        value = try form.read(Place(node: node, path: .key(.root, "key"), reading: reading))
    } catch { value = nil }
    #expect((value == nil) == reading.hasErrors || reading.hasErrors)
    return (value, reading.diagnostics)
}

/// The one message that a value is refused with.
func refusal<Value>(
    of yaml: String, as form: Form<Value>, environment: [String: String] = [:]
) throws -> (message: String, hint: String?) {
    let diagnostics = try value(form, yaml, environment: environment).diagnostics
    #expect(diagnostics.count == 1, "\(yaml): \(renderReport(diagnostics))")
    let first = try #require(diagnostics.first, "\(yaml) was accepted")
    return (first.message, first.hint)
}
