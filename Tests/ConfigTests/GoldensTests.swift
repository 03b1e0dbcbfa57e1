import Testing

@testable import Config

/// `Goldens/NAME.yaml` gives exactly `Goldens/NAME.diagnostics`. With `HEADGATE_REGENERATE_GOLDENS=1` the
/// latter are written anew; read the difference before it is committed.
@Suite struct GoldensTests {
    static let folder = Files.folder + "/Goldens"
    static let environment = [
        "SECRET_PORT": "canary-port", "SECRET_NUMBER": "canary-number", "SECRET_URL": "canary-url",
        "SECRET_NAME": "canary-name", "EMPTY": "", "KEY": "canary-key",
    ]

    @Test(arguments: Files.names(in: folder, suffix: ".yaml"))
    func `a broken file is answered as its golden says`(_ name: String) throws {
        let bytes = try #require(Files.read(Self.folder + "/" + name))
        let parsed = ConfigDocument.parse(bytes, file: name)
        let diagnostics = parsed.document?.read { Self.environment[$0] }.diagnostics ?? parsed.diagnostics
        let report = renderReport(diagnostics)
        #expect(!report.lowercased().contains("canary"), "a value of the environment was printed:\n\(report)")
        #expect(!report.contains("very-secret"), "a secret of the file was printed:\n\(report)")
        #expect(!renderJSON(diagnostics).lowercased().contains("canary"))

        let golden = Self.folder + "/" + name.dropLast(5) + ".diagnostics"
        if Files.environment("HEADGATE_REGENERATE_GOLDENS") == "1" {
            #expect(Files.write(report, to: golden))
        }
        let wanted = String(decoding: try #require(Files.read(golden), "no \(golden)"), as: UTF8.self)
        #expect(report == wanted)
    }

    @Test func `every golden has its file`() {
        let files = Files.names(in: Self.folder, suffix: ".yaml").map { String($0.dropLast(5)) }
        let goldens = Files.names(in: Self.folder, suffix: ".diagnostics").map { String($0.dropLast(12)) }
        #expect(files == goldens)
        #expect(files.count >= 20)
    }
}
